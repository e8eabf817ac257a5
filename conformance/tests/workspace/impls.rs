//! The inherent `impl`s of a type are in few files: at most 3 in its own room, and 1 in each room above.

use crate::graph::Graph;
use crate::tree::{Source, assert_none, sources};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Item, Type};

const IN_ITS_ROOM: usize = 3;
const ABOVE: usize = 1;

/// A type: the module that defines it, and its name.
type Key = (Vec<String>, String);

/// The files with inherent `impl`s of each type, by room.
fn spread(files: &[Source]) -> BTreeMap<Key, BTreeMap<String, BTreeSet<String>>> {
    let graph = Graph::of(files);
    let mut spread: BTreeMap<Key, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for file in files {
        let module: Vec<String> = file.module().into_iter().map(str::to_owned).collect();
        for item in file.parse().items {
            let Item::Impl(block) = item else { continue };
            let Type::Path(of) = &*block.self_ty else {
                continue;
            };
            if block.trait_.is_some() {
                continue;
            }
            let segments = of
                .path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            let path: Vec<String> = segments.collect();
            let Some(definer) = graph.definer(&module, &path) else {
                continue;
            };
            let name = path.last().cloned().unwrap_or_default();
            let room = module.first().cloned().unwrap_or_default();
            let rooms = spread.entry((definer, name)).or_default();
            rooms.entry(room).or_default().insert(file.path.clone());
        }
    }
    spread
}

fn scattered(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for ((definer, name), rooms) in spread(files) {
        for (room, files) in rooms {
            let limit = match definer.first() == Some(&room) {
                true => IN_ITS_ROOM,
                false => ABOVE,
            };
            if files.len() > limit {
                let listed: Vec<_> = files.iter().map(String::as_str).collect();
                found.push(format!(
                    "{}::{name} has `impl`s in {} files of {room}: {}",
                    definer.join("::"),
                    files.len(),
                    listed.join(", ")
                ));
            }
        }
    }
    found
}

#[test]
fn what_a_type_of_the_core_can_do_stands_in_few_files() {
    assert_none(&scattered(&sources("cancelable-core")));
}

#[test]
fn a_type_that_is_scattered_is_found() {
    let part = "use super::A; impl A {} impl Clone for A {}";
    let above = "use crate::a::A; impl A {}";
    let few = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "mod one; mod two; mod three; pub struct A; impl A {}",
        ),
        ("a/one.rs", part),
        ("a/two.rs", part),
        ("b.rs", "mod more; use crate::a::A; impl A {}"),
    ];
    let many = [("a/three.rs", part), ("b/more.rs", above)];
    let of = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, text)| Source::new(path, text));
        scattered(&files.collect::<Vec<_>>()).len()
    };
    assert_eq!(of(&few), 0);
    assert_eq!(of(&[&few[..], &many].concat()), 2);
}
