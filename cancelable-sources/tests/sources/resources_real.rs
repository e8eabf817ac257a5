//! Real figures of this machine, which exist and are plausible.

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Scope, Source};
use cancelable_sources::{
    cpu_limit, disk_limit, memory_limit, process_cpu_limit, process_memory_limit,
};
use std::future::pending;
use tempfile::TempDir;

/// Returns the text of the cause, for a limit that every reading reaches.
fn said(source: impl Source) -> String {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("watching").runtime(&manual.handle());
    let scope = builder.source(source).build().unwrap();
    let outcome = manual.block_on(scope.run(|_| pending::<()>()));
    outcome.cause().unwrap().message().unwrap().to_owned()
}

/// The reading in such words: the number and its unit.
fn reading(words: &str, name: &str) -> (f64, String) {
    let rest = words
        .strip_prefix(name)
        .unwrap_or_else(|| panic!("{words}"));
    let rest = rest.strip_prefix(" at ").unwrap();
    let (value, _) = rest.split_once(", limit ").unwrap();
    let (number, unit) = value.split_once(' ').unwrap();
    (number.parse().unwrap(), unit.to_owned())
}

#[test]
fn r30_the_memory_of_the_process_is_known() {
    let words = said(process_memory_limit(1).unwrap());
    let (value, unit) = reading(&words, "memory of the process");
    assert!(["MiB", "GiB"].contains(&unit.as_str()), "{words}");
    assert!((0.1..1024.0).contains(&value), "{words}");
}

/// Allocated and written memory shows in the reading. Only Linux promises to count it at once.
#[cfg(target_os = "linux")]
#[test]
fn r30_memory_that_is_taken_is_seen() {
    const TAKEN: u64 = 256 << 20;
    let held = std::hint::black_box(vec![1_u8; TAKEN as usize]);
    let words = said(process_memory_limit(TAKEN).unwrap());
    assert!(words.ends_with("limit 256 MiB"), "{words}");
    drop(held);
}

#[test]
fn r30_the_memory_of_the_machine_is_known() {
    let words = said(memory_limit(1e-6).unwrap());
    let name = match words.starts_with("memory of the container") {
        true => "memory of the container",
        false => "memory of the machine",
    };
    let (value, unit) = reading(&words, name);
    assert_eq!(unit, "%");
    assert!((0.0..=100.0).contains(&value), "{words}");
}

/// The first look has nothing to compare with and says zero; the looks after it come as fast as
/// they can, until there is a figure.
#[test]
fn r30_the_cpu_is_known() {
    let words = said(process_cpu_limit(1e-6).unwrap());
    let (value, unit) = reading(&words, "CPU of the process");
    assert!(unit == "%" && value >= 0.0, "{words}");
    let words = said(cpu_limit(1e-6).unwrap());
    let named = ["CPU of the container at ", "CPU of the machine at "];
    let is_named = named.iter().any(|name| words.starts_with(name));
    // If the tests are bound to some of the cores.
    assert!(is_named || words.contains(" of the machine's "), "{words}");
}

#[test]
fn r30_the_disk_of_a_path_is_known() {
    let folder = TempDir::new().unwrap();
    // A path that does not exist yet is on the disk of its nearest existing ancestor.
    for path in [folder.path().to_owned(), folder.path().join("a").join("b")] {
        let words = said(disk_limit(&path, 1e-6).unwrap());
        let (value, unit) = reading(&words, &format!("disk of {}", path.display()));
        assert_eq!(unit, "%");
        assert!((0.0..=100.0).contains(&value), "{words}");
    }
}
