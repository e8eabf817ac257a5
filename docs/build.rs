//! Finds the Markdown pages of the repository and writes a module for each, for `lib.rs` to include.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let docs = variable("CARGO_MANIFEST_DIR")?;
    let root = docs.join("..").canonicalize()?;
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    for parent in [&root, &root.join("integrations")] {
        for entry in fs::read_dir(parent)? {
            let folder = entry?.path();
            if folder.join("Cargo.toml").is_file() {
                collect(&folder, &mut pages)?;
            }
        }
    }
    pages.sort();

    let out = variable("OUT_DIR")?;
    let mut modules = String::new();
    for page in &pages {
        modules += &module(&root, page, &out)?;
    }
    fs::write(out.join("pages.rs"), modules)?;
    // A file that never exists makes Cargo run this every time: a new page has to be noticed, and
    // watching the whole repository would watch the build folder too.
    println!("cargo::rerun-if-changed=always");
    Ok(())
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{name} is not set")))
}

/// Adds the pages that lie in `folder` itself.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// A module with the page for its docs, named after it: a failing block is reported under that name.
fn module(root: &Path, page: &Path, out: &Path) -> io::Result<String> {
    let name = page.strip_prefix(root).unwrap_or(page).to_string_lossy();
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let text = fs::read_to_string(page)?;
    let mut path = page.display().to_string();
    if text
        .lines()
        .any(|line| ATTRIBUTES.iter().any(|(attribute, _)| *attribute == line))
    {
        let copy = out.join(format!("{name}.md"));
        fs::write(&copy, with_running_tests(&text))?;
        path = copy.display().to_string();
    }
    Ok(format!(
        "#[doc = include_str!({path:?})]\npub mod {name} {{}}\n"
    ))
}

/// The attributes of a test in a code block, each with its replacement. A doc test is built without `cfg(test)`, so a
/// function with one of these attributes would neither be compiled nor run.
const ATTRIBUTES: [(&str, &str); 2] = [
    ("#[test]", ""),
    (
        "#[tokio::test(start_paused = true)]",
        r#"#[tokio::main(flavor = "current_thread", start_paused = true)]"#,
    ),
];

/// Runs the tests, and panics at the first that fails, so that a block with `should_panic` shows a failing test.
const RUN_TESTS: &str = "\
fn main() {
    trait Passed {
        fn passed(self);
    }
    impl Passed for () {
        fn passed(self) {}
    }
    impl<E: std::fmt::Debug> Passed for Result<(), E> {
        fn passed(self) {
            self.unwrap();
        }
    }
";

/// Returns the page with a `main` in each code block that has tests. The function calls the tests.
fn with_running_tests(page: &str) -> String {
    let mut changed = String::new();
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in page.lines() {
        if line.starts_with("```") && !tests.is_empty() {
            changed += RUN_TESTS;
            for test in tests.drain(..) {
                changed += &format!("    {test}().passed();\n");
            }
            changed += "}\n";
        }
        let head = line.strip_prefix("async ").unwrap_or(line);
        if let (true, Some((name, _))) = (
            is_test,
            head.strip_prefix("fn ")
                .and_then(|rest| rest.split_once('(')),
        ) {
            tests.push(name.to_owned());
        }
        let attribute = ATTRIBUTES.iter().find(|(attribute, _)| *attribute == line);
        is_test = attribute.is_some();
        changed += attribute.map_or(line, |(_, replacement)| replacement);
        changed += "\n";
    }
    changed
}
