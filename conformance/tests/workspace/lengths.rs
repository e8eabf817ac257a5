//! Files that are long enough to look at: a file is as long as its noun.

use crate::tree::{PUBLISHED, Source, assert_none, sources};

const LONGEST: usize = 600;

fn too_long(files: &[Source]) -> Vec<String> {
    let lines = |file: &Source| file.text.lines().count();
    files
        .iter()
        .filter(|file| lines(file) > LONGEST)
        .map(|file| {
            format!(
                "{} has {} lines; more than {LONGEST} are a sign that it holds two nouns",
                file.path,
                lines(file)
            )
        })
        .collect()
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
    assert_eq!(too_long(&[file("a.rs", 600), file("b.rs", 10)]).len(), 0);
    assert_eq!(too_long(&[file("a.rs", 601), file("b.rs", 10)]).len(), 1);
}
