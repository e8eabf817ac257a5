//! The imports between the files of the core have no circle, so each file can be read after its imports.

use crate::graph::Graph;
use crate::tree::{Source, assert_none, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The types of a token are recursive: a node has branches of nodes, a handle gives futures that hold handles.
const RECURSIVE: &str = "token/";

/// Returns the circles, each as its files.
fn circles(files: &[Source]) -> Vec<BTreeSet<String>> {
    let graph = Graph::of(files);
    let edges = graph.edges();
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges
        .keys()
        .map(|file| (*file, reached(file, &edges)))
        .collect();
    let mut found = Vec::new();
    for (file, from) in &reached {
        let others = from.iter().filter(|other| reached[*other].contains(file));
        let circle: BTreeSet<String> = others.map(|other| (*other).to_owned()).collect();
        if circle.contains(*file) && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// Returns the files that are imported from `start`, directly or through others.
fn reached<'a>(start: &str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left: Vec<&str> = edges[start].iter().copied().collect();
    while let Some(file) = left.pop() {
        if found.insert(file) {
            left.extend(edges.get(file).into_iter().flatten());
        }
    }
    found
}

#[test]
fn no_files_of_the_core_import_in_a_circle() {
    let mut found = circles(&sources("cancelable-core"));
    found.retain(|circle| !circle.iter().all(|file| file.starts_with(RECURSIVE)));
    let named = found.iter().map(|circle| {
        let files: Vec<_> = circle.iter().map(String::as_str).collect();
        format!(
            "{} files import in a circle: {}",
            files.len(),
            files.join(", ")
        )
    });
    assert_none(&named.collect::<Vec<_>>());
}

#[test]
fn a_circle_is_found() {
    let find = |files: &[(&str, &str)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect();
        circles(&files).len()
    };
    let lib = ("lib.rs", "mod a; mod b;");
    let a = ("a.rs", "use crate::b::B; pub struct A(B);");
    assert_eq!(find(&[lib, a, ("b.rs", "pub struct B;")]), 0);
    assert_eq!(
        find(&[lib, a, ("b.rs", "use crate::a::A; pub struct B(A);")]),
        1
    );
    assert_eq!(
        find(&[lib, a, ("b.rs", "pub struct B; fn f() { crate::a::g() }")]),
        0
    );
    assert_eq!(
        find(&[
            lib,
            ("a.rs", "use crate::b::B; pub fn g() {}"),
            ("b.rs", "pub struct B; fn f() { crate::a::g() }")
        ]),
        1
    );
    // Through a re-export, which alone is no import. The tests of a file do not count.
    let room = ("a.rs", "mod one; mod two; pub use two::Two;");
    let one = ("a/one.rs", "use super::Two; pub struct One(Two);");
    assert_eq!(
        find(&[
            ("lib.rs", "mod a;"),
            room,
            one,
            ("a/two.rs", "pub struct Two;")
        ]),
        0
    );
    assert_eq!(
        find(&[
            ("lib.rs", "mod a;"),
            room,
            one,
            ("a/two.rs", "use super::one::One; pub struct Two(One);")
        ]),
        1
    );
    assert_eq!(
        find(&[
            ("lib.rs", "mod a;"),
            room,
            one,
            (
                "a/two.rs",
                "pub struct Two; #[cfg(test)] mod tests { use super::super::one::One; }"
            )
        ]),
        0
    );
    // A room whose file has a type of its own, and imports the files below it.
    let room = ("a.rs", "mod one; use one::One; pub struct Two(One);");
    assert_eq!(find(&[("lib.rs", "mod a;"), room, one]), 1);
}
