//! What cannot be watched is refused where the source is made.

use cancelable_core::{Scope, Source};
use cancelable_sources::{file_appears, file_changes, file_disappears};
use std::error::Error;
use std::time::Duration;

#[test]
fn r30_an_empty_path_is_refused() {
    for refused in [file_appears(""), file_changes(""), file_disappears("")] {
        let error = refused.unwrap_err();
        assert!(error.is_path() && !error.is_interval());
        assert_eq!(error.to_string(), "the path of a file to watch is empty");
        assert!(error.source().is_none());
    }
}

#[test]
fn r30_an_interval_of_zero_is_refused() {
    let error = file_appears("stop").unwrap().every(Duration::ZERO);
    let error = error.unwrap_err();
    assert!(error.is_interval() && !error.is_path());
    assert_eq!(
        error.to_string(),
        "a file needs an interval longer than zero between two looks"
    );
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
