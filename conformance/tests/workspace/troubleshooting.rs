//! The page of troubles: each entry names a test that exists, and has the words that its readers type.

use crate::tree::{assert_none, root, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The parts of the page, in their order.
const PARTS: [&str; 7] = [
    "Common runtime errors",
    "Performance issues",
    "Integration issues",
    "Debugging",
    "Platforms",
    "Getting help",
    "Async Rust",
];

/// Words that users type. Each is in a heading, or in the first sentence under one.
const WORDS: [&str; 12] = [
    "not closed",
    "memory usage",
    "slow",
    "disconnects",
    "RUST_LOG",
    "docker",
    "windows",
    "macos",
    "kubernetes",
    "deadlock",
    "E0373",
    "future cannot be sent between threads safely",
];

/// An entry: a heading, and the text up to the next heading. A part without entries is an entry itself.
struct Entry<'a> {
    heading: &'a str,
    text: &'a str,
}

/// The level, the heading and the text of each section. A line in a block of code is no heading.
fn sections(page: &str) -> Vec<(usize, Entry<'_>)> {
    let (mut found, mut is_code, mut at) = (Vec::new(), false, 0);
    let mut starts = Vec::new();
    for line in page.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if level > 0 && !is_code {
            starts.push((level, at, at + line.len()));
        }
        at += line.len();
    }
    for (number, (level, start, body)) in starts.iter().enumerate() {
        let end = starts.get(number + 1).map_or(page.len(), |next| next.1);
        let heading = page[*start..*body].trim_start_matches('#').trim();
        let text = &page[*body..end];
        found.push((*level, Entry { heading, text }));
    }
    found
}

fn entries(page: &str) -> Vec<Entry<'_>> {
    let sections = sections(page).into_iter();
    // A part is followed by its entries at once, or by a line and its entries.
    let mut entries: Vec<(usize, Entry<'_>)> = Vec::new();
    for (level, entry) in sections.filter(|(level, _)| *level > 1) {
        if let Some((2, _)) = entries.last() {
            if level > 2 {
                entries.pop();
            }
        }
        entries.push((level, entry));
    }
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// The names after `Test:`, up to the end of the paragraph.
fn named_tests(entry: &str) -> Vec<&str> {
    let Some((_, names)) = entry.split_once("\nTest: ") else {
        return Vec::new();
    };
    let names = names.split("\n\n").next().unwrap_or(names);
    names.split('`').skip(1).step_by(2).collect()
}

/// The functions with a test's attribute, in the Rust files below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                tests_below(&path, found);
            }
        } else if name.ends_with(".rs") {
            tests_in(&fs::read_to_string(&path).unwrap_or_default(), found);
        }
    }
}

fn tests_in(file: &str, found: &mut BTreeSet<String>) {
    let mut is_test = false;
    for line in file.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let (true, Some(rest)) = (is_test, function.strip_prefix("fn ")) {
            let name = rest.split(['(', '<']).next().unwrap_or(rest);
            found.insert(name.to_owned());
        }
        is_test &= line.is_empty() || line.starts_with("//");
    }
}

/// What is wrong with the entries of a page, given the tests that exist.
fn faults(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for entry in entries(page) {
        let named = named_tests(entry.text);
        if named.is_empty() {
            faults.push(format!("the entry `{}` names no test", entry.heading));
        }
        for name in named {
            if !tests.contains(name) {
                faults.push(format!("`{}`: there is no test {name}", entry.heading));
            }
        }
    }
    faults
}

/// The words that are neither in a heading nor in a first sentence.
fn hidden<'a>(page: &str, words: &[&'a str]) -> Vec<&'a str> {
    let shown: Vec<_> = entries(page)
        .iter()
        .map(|entry| {
            let paragraphs = entry.text.split("\n\n").map(str::trim);
            let mut prose = paragraphs.filter(|paragraph| !paragraph.starts_with("```"));
            let first = prose.find(|paragraph| !paragraph.is_empty());
            let first = first.unwrap_or_default().split(". ").next();
            format!("{} {}", entry.heading, first.unwrap_or_default()).to_lowercase()
        })
        .collect();
    let is_hidden = |word: &&&str| !shown.iter().any(|text| text.contains(&word.to_lowercase()));
    words.iter().filter(is_hidden).copied().collect()
}

fn page() -> String {
    text("docs/troubleshooting.md")
}

#[test]
fn every_trouble_names_a_test_that_exists() {
    let mut tests = BTreeSet::new();
    tests_below(&root(), &mut tests);
    assert!(tests.len() > 1000, "{} tests", tests.len());
    assert!(entries(&page()).len() > 25);
    assert_none(&faults(&page(), &tests));
}

#[test]
fn the_parts_of_the_page_come_in_their_order() {
    let page = page();
    let sections = sections(&page).into_iter();
    let parts: Vec<_> = sections.filter(|(level, _)| *level == 2).collect();
    let parts: Vec<_> = parts.iter().map(|(_, entry)| entry.heading).collect();
    assert_eq!(parts, PARTS);
}

#[test]
fn the_words_that_users_type_are_in_headings_or_first_sentences() {
    assert_eq!(hidden(&page(), &WORDS), Vec::<&str>::new());
}

/// The first lines of the compiler's messages are those that it prints for the cases of `tests/misuse/bodies`.
#[test]
fn the_messages_of_the_compiler_are_those_of_the_cases() {
    let page = page();
    let folder = root().join("conformance/tests/misuse/bodies");
    let mut printed = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "stderr")
        {
            let text = fs::read_to_string(path).unwrap();
            printed.insert(text.lines().next().unwrap_or_default().to_owned());
        }
    }
    // Every second part is a block of code.
    let blocks = page.split("\n```").skip(1).step_by(2);
    let shown = blocks.flat_map(|block| block.lines().filter(|line| line.starts_with("error")));
    let shown: BTreeSet<_> = shown.map(str::to_owned).collect();
    assert_eq!(shown, printed);
}

#[test]
fn an_entry_without_a_test_is_found() {
    let page = "# Page\n\n## Part\n\n### One\n\nSlow. Late.\n\n```sh\n### no heading\n```\n\nTest: `a`,\n`b`.\n\n\
        Behind.\n\n### Two\n\nNone.\n\n## Help\n\nTest: `c`.\n";
    let headings: Vec<_> = entries(page).iter().map(|entry| entry.heading).collect();
    assert_eq!(headings, ["One", "Two", "Help"]);
    assert_eq!(named_tests(entries(page)[0].text), ["a", "b"]);
    let mut tests = BTreeSet::new();
    tests_in(
        "#[test]\n#[cfg(unix)]\nfn a() {}\nfn b() {}\n#[tokio::test]\nasync fn c() {}",
        &mut tests,
    );
    assert_eq!(tests, ["a", "c"].map(str::to_owned).into());
    assert_eq!(faults(page, &tests).len(), 2);
    assert_eq!(hidden(page, &["slow", "late", "two"]), ["late"]);
}
