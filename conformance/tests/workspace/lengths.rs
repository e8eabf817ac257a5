//! One file, one noun: no file is long, and most are short.

use crate::tree::{PUBLISHED, Source, assert_none, sources};

const LONGEST: usize = 400;
const MEDIAN: usize = 150;

fn too_long(files: &[Source]) -> Vec<String> {
    let lines = |file: &Source| file.text.lines().count();
    let mut found: Vec<_> = files
        .iter()
        .filter(|file| lines(file) > LONGEST)
        .map(|file| {
            format!(
                "{} has {} lines, {LONGEST} are enough",
                file.path,
                lines(file)
            )
        })
        .collect();
    let mut counts: Vec<_> = files.iter().map(lines).collect();
    counts.sort_unstable();
    let median = counts[counts.len() / 2];
    if median >= MEDIAN {
        found.push(format!(
            "the median is {median} lines, and should be below {MEDIAN}"
        ));
    }
    found
}

#[test]
fn no_file_is_long() {
    for name in PUBLISHED.into_iter().chain(["conformance"]) {
        assert_none(&too_long(&sources(name)));
    }
}

#[test]
fn a_long_file_is_found() {
    let file = |path, lines| Source::new(path, &"//\n".repeat(lines));
    assert_eq!(
        too_long(&[file("a.rs", 400), file("b.rs", 10), file("c.rs", 10)]).len(),
        0
    );
    assert_eq!(
        too_long(&[file("a.rs", 401), file("b.rs", 10), file("c.rs", 10)]).len(),
        1
    );
    assert_eq!(too_long(&[file("a.rs", 150)]).len(), 1);
}
