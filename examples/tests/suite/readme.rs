//! The page of the examples lists every program that exists, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files that begin a program, as the page links to them.
fn programs(examples: &Path) -> BTreeSet<String> {
    let mut programs = BTreeSet::from(["server/README.md".to_owned()]);
    for folder in ["src/small", "src/bin"] {
        for entry in fs::read_dir(examples.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            programs.insert(match path.as_str() {
                // The list of the small ones is no example.
                "src/small/main.rs" => continue,
                // Its `main.rs` prepares it for the tests.
                "src/bin/quickstart" => format!("{path}/program.rs"),
                file if file.ends_with(".rs") => path,
                folder => format!("{folder}/main.rs"),
            });
        }
    }
    programs
}

#[test]
fn the_page_lists_every_program_and_no_other() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(examples.join("README.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ["));
    let mut listed = BTreeSet::new();
    for row in rows {
        let (name, rest) = row[3..].split_once("](").unwrap();
        let (path, _) = rest.split_once(')').unwrap();
        assert!(path.contains(name), "{row}");
        assert!(listed.insert(path.to_owned()), "listed twice: {row}");
    }
    assert_eq!(listed, programs(examples));
}
