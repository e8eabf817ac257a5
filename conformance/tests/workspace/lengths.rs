//! The length of files: a long file may hold two nouns.

use crate::tree::{PUBLISHED, Source, assert_none, sources};

const LONGEST: usize = 600;

/// Returns the number of lines outside the examples in doc comments: a type with many verbs has many examples.
fn lines(file: &Source) -> usize {
    let mut fenced = false;
    let counted = file.text.lines().filter(|line| {
        let line = line.trim_start();
        let is_fence = line.starts_with("/// ```") || line.starts_with("//! ```");
        fenced ^= is_fence;
        !(fenced || is_fence)
    });
    counted.count()
}

fn too_long(files: &[Source]) -> Vec<String> {
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
    let example = "/// ```\n/// a();\n/// ```\n".repeat(300) + &"//\n".repeat(600);
    assert_eq!(too_long(&[Source::new("a.rs", &example)]).len(), 0);
}
