//! The rules of `docs/semantics.md`: each has a test that carries its number, and a test that a page names exists.

use crate::tree::{assert_none, root, text};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The folders that have no tests of this project.
const NO_TESTS: [&str; 3] = ["target", "docs", ".git"];

/// Adds the text of each Rust file below `folder`.
fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !NO_TESTS.contains(&name.as_str()) {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// Returns whether `word` begins with the number of a rule, as the name of a test does.
fn begins_with_a_rule(word: &str) -> bool {
    let mut chars = word.chars();
    let is_rule = chars.next() == Some('r')
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.next() == Some('_');
    is_rule && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the functions whose names begin with a rule.
fn functions(code: &str) -> impl Iterator<Item = &str> {
    let names = code.split("fn ").skip(1);
    names.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        Some(&rest[..end]).filter(|name| begins_with_a_rule(name))
    })
}

/// Returns the numbers of the rules in the name of a test: `r24_r26_what_..` has two.
fn numbers(name: &str) -> Vec<u8> {
    let parts = name.split('_');
    let numbers = parts.map_while(|part| part.strip_prefix('r')?.parse().ok());
    numbers.collect()
}

/// Returns the rules in the tables of a page.
fn rules(page: &str) -> BTreeSet<u8> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| R"));
    let numbers = rows.filter_map(|row| row.split_once(' ').map(|(number, _)| number));
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// Returns the tests in backquotes of a page.
fn named_tests(page: &str) -> BTreeSet<&str> {
    let words = page.split('`');
    words.filter(|word| begins_with_a_rule(word)).collect()
}

/// Returns the names of the tests of the workspace that begin with a rule.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    let names = files.iter().flat_map(|code| functions(code));
    names.map(str::to_owned).collect()
}

#[test]
fn every_rule_has_a_test_that_carries_its_number() {
    let mut count: BTreeMap<u8, usize> = BTreeMap::new();
    for name in tests() {
        for number in numbers(&name) {
            *count.entry(number).or_default() += 1;
        }
    }
    // The rule of the test kit has a section, and no row.
    let mut rules = rules(&text("docs/semantics.md"));
    rules.insert(44);
    assert_eq!(rules, (1..=50).collect());
    let missing = rules.iter().filter(|number| !count.contains_key(number));
    let missing: Vec<_> = missing
        .map(|number| format!("R{number} has no test"))
        .collect();
    assert_none(&missing);
}

#[test]
fn every_test_that_a_page_names_exists() {
    let tests = tests();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let page = fs::read_to_string(&path).unwrap();
            let unknown = named_tests(&page)
                .into_iter()
                .filter(|name| !tests.contains(*name));
            wrong.extend(unknown.map(|name| format!("{}: no test {name}", path.display())));
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_rule_without_a_test_and_a_test_that_is_gone_are_found() {
    assert_eq!(numbers("r24_r26_what_is_undone"), [24, 26]);
    assert_eq!(numbers("remaining"), []);
    assert_eq!(
        functions("pub fn r01_one<S>() {}\nfn race() {}\nfn r2_two() {}").collect::<Vec<_>>(),
        ["r01_one"]
    );
    assert_eq!(
        rules("| rule |\n|---|\n| R7 | a |\n| R12 | b |\nR3"),
        [7, 12].into()
    );
    assert_eq!(
        named_tests("see `r07_one` and `r07` and `race`"),
        ["r07_one"].into()
    );
}
