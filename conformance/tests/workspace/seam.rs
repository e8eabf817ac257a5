//! Shared atomics, locks and cells are imported from the core's `sync`, where loom can replace them.

use crate::tree::{Source, assert_none, sources};

/// The seam itself.
const SEAM: &str = "sync";

/// The items of `std::sync` that loom need not replace: reference counts.
const HARMLESS: [&str; 2] = ["Arc", "Weak"];

/// Returns the names that code imports from `std::sync` or `core::sync`, and other crates from which it imports locks.
fn shared(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for prefix in ["std::sync::", "core::sync::"] {
        for rest in code.split(prefix).skip(1) {
            let rest = rest.trim_start();
            let names = match rest.strip_prefix('{') {
                Some(group) => group.split_once('}').map_or(group, |(group, _)| group),
                None => rest
                    .split([';', ' ', '(', ')', ',', '<', '>', ':'])
                    .next()
                    .unwrap_or(""),
            };
            let names = names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            found.extend(
                names
                    .filter(|name| !HARMLESS.contains(name))
                    .map(str::to_owned),
            );
        }
    }
    for name in ["parking_lot", "event_listener"] {
        if code.contains(&format!("{name}::")) {
            found.push(name.into());
        }
    }
    found
}

fn outside(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        if file.module().first() == Some(&SEAM) {
            continue;
        }
        // The tests of a file do not run under loom.
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let names = shared(code);
        if !names.is_empty() {
            found.push(format!(
                "{} takes {} past the seam",
                file.path,
                names.join(", ")
            ));
        }
    }
    found
}

#[test]
fn the_core_shares_memory_by_its_seam_alone() {
    assert_none(&outside(&sources("cancelable-core")));
}

#[test]
fn what_goes_past_the_seam_is_found() {
    let of = |path: &str, text: &str| outside(&[Source::new(path, text)]).len();
    assert_eq!(
        of(
            "token.rs",
            "use std::sync::{Arc, Weak};\nuse std::sync::Arc;"
        ),
        0
    );
    assert_eq!(of("token.rs", "use std::sync::{Arc, OnceLock};"), 1);
    assert_eq!(of("token.rs", "use std::sync::atomic::AtomicU8;"), 1);
    assert_eq!(of("token.rs", "static A: std::sync::Mutex<u8> = x;"), 1);
    assert_eq!(of("token.rs", "use parking_lot::Mutex;"), 1);
    assert_eq!(of("token.rs", "use event_listener::Event;"), 1);
    assert_eq!(of("token.rs", "/// use std::sync::mpsc;"), 0);
    assert_eq!(of("sync.rs", "use std::sync::atomic::AtomicU8;"), 0);
    assert_eq!(of("sync/latch.rs", "use parking_lot::Mutex;"), 0);
}
