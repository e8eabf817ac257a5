//! The page of the examples lists every program that exists, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files that begin a program, as the page links to them.
fn programs(examples: &Path) -> BTreeSet<String> {
    let mut programs = BTreeSet::from([
        "database/src/main.rs".to_owned(),
        "server/README.md".to_owned(),
    ]);
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

fn examples() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn page() -> String {
    fs::read_to_string(examples().join("README.md")).unwrap()
}

/// The names and the paths of the programs that the page lists.
fn listed(page: &str) -> Vec<(String, String)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ["));
    let listed = rows.map(|row| {
        let (name, rest) = row.split_once("](").unwrap();
        let (path, _) = rest.split_once(')').unwrap();
        assert!(path.contains(name), "{row}");
        (name.to_owned(), path.to_owned())
    });
    listed.collect()
}

#[test]
fn the_page_lists_every_program_once_and_no_other() {
    let mut paths = BTreeSet::new();
    for (_, path) in listed(&page()) {
        assert!(paths.insert(path.clone()), "{path} is listed twice");
    }
    assert_eq!(paths, programs(examples()));
}

#[test]
fn the_index_has_every_program_and_every_feature() {
    let page = page();
    let (_, index) = page.split_once("\n## Which program shows what\n").unwrap();
    let mut indexed = BTreeSet::new();
    for row in index.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let columns: Vec<_> = row.trim_matches('|').split('|').collect();
        indexed.extend(columns[1].split(',').map(|name| name.trim().to_owned()));
    }
    let mut known: BTreeSet<_> = listed(&page).into_iter().map(|(name, _)| name).collect();
    known.insert("test_kit".to_owned());
    assert_eq!(indexed, known);

    for package in [
        "cancelable-core",
        "cancelable-tokio",
        "integrations/cancelable-axum",
    ] {
        let manifest = examples()
            .parent()
            .unwrap()
            .join(package)
            .join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let (_, features) = manifest.split_once("\n[features]\n").unwrap();
        let (features, _) = features.split_once("\n[").unwrap();
        let names = features.lines().filter_map(|line| line.split_once(" = "));
        for (name, _) in names.filter(|(name, _)| *name != "default") {
            let name = format!("`{name}`");
            assert!(
                index.contains(&name),
                "the index has no {name} of {package}"
            );
        }
    }
}
