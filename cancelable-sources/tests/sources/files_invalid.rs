//! Paths that cannot be watched are refused when the source is made.

use cancelable_core::{Scope, Source};
use cancelable_sources::{file_appears, file_changes, file_disappears};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;
#[cfg(unix)]
use tempfile::TempDir;

#[test]
fn r30_an_empty_path_is_refused() {
    for refused in [file_appears(""), file_changes(""), file_disappears("")] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert_eq!(
            text,
            "the argument `path` is empty: give the path of a file"
        );
    }
}

#[test]
fn r30_a_path_at_which_nothing_can_be_is_refused() {
    for make in [file_appears, file_changes, file_disappears] {
        let error = make(PathBuf::from("a\0b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert_eq!(
            text,
            "the argument `path` has a zero byte, which no path can have"
        );
    }
}

#[cfg(unix)]
#[test]
fn r30_a_path_that_is_too_long_is_refused_where_the_system_says_so() {
    let folder = TempDir::new().unwrap();
    // Each is a path that may be, of names that may.
    for length in [1, 100, 255] {
        let may_be = folder.path().join("x".repeat(length));
        assert!(file_appears(may_be).is_ok());
    }
    let names = folder.path().join(["name"; 100].join("/"));
    assert!(file_appears(names).is_ok());
    let name = "x".repeat(5000);
    let path = ["name"; 2000].join("/");
    for long in [name, path] {
        for make in [file_appears, file_changes, file_disappears] {
            let error = make(folder.path().join(&long)).unwrap_err();
            let text = error.to_string();
            let expected = "the path of a file to watch is too long: ";
            assert!(text.starts_with(expected), "{text}");
        }
    }
}

#[test]
fn r30_an_interval_of_zero_is_refused() {
    let error = file_appears("stop").unwrap().every(Duration::ZERO);
    let error = error.unwrap_err();
    assert_eq!(error.argument(), "interval");
}

#[test]
fn r30_a_scope_without_a_runtime_cannot_have_it() {
    let source = file_appears("stop").unwrap();
    let name = source.name().into_owned();
    assert!(name.ends_with("stop appears"), "{name}");
    assert!(
        name.len() > "stop appears".len(),
        "its path is absolute: {name}"
    );
    let error = Scope::builder("watching").source(source).build();
    assert!(error.unwrap_err().to_string().contains(&name));
}
