//! Every behaviour of the suite is in the list that adapters run.

use crate::tree::{Source, assert_none, sources};
use syn::{Item, Visibility};

/// Returns the public functions with the number of a rule in their name that `suite.rs` lacks.
fn unlisted(files: &[Source]) -> Vec<String> {
    let list = files
        .iter()
        .find(|file| file.path == "suite.rs")
        .expect("the list of behaviours");
    let listed: Vec<_> = list.text.split_whitespace().collect();
    let mut found = Vec::new();
    for file in files {
        for item in file.parse().items {
            let Item::Fn(function) = item else { continue };
            let name = function.sig.ident.to_string();
            let number = name.strip_prefix('r').and_then(|rest| rest.split_once('_'));
            let has_rule = number.is_some_and(|(number, _)| number.parse::<u8>().is_ok());
            let public = matches!(function.vis, Visibility::Public(_));
            if has_rule && public && !listed.contains(&name.as_str()) {
                found.push(format!(
                    "{} has {name}, which suite.rs does not list",
                    file.path
                ));
            }
        }
    }
    found
}

#[test]
fn every_behaviour_is_run() {
    assert_none(&unlisted(&sources("conformance")));
}

#[test]
fn a_forgotten_behaviour_is_found() {
    let list = Source::new("suite.rs", "macro_rules! suite { () => { r01_one } }");
    let file = |text| Source::new("tokens.rs", text);
    assert_eq!(
        unlisted(&[list, file("pub fn r01_one() {} pub fn r02_two() {}")]).len(),
        1
    );
}
