//! The small programs print what the documentation says they print.

use std::fs;
use std::path::Path;

use crate::kit::{Ended, Tree, bin};
#[cfg(unix)]
use crate::running::Running;

#[test]
fn the_quickstart_stops_for_its_deadline() {
    let tree = Tree::new();
    let lines = Ended::of(tree.command(bin!("quickstart"), &[]))
        .assert_code(0)
        .lines();
    let (last, rows) = lines.split_last().unwrap();
    assert_eq!(rows[..2], ["row 1", "row 2"]);
    assert!(
        last.starts_with("import cancelled after 3 s: timed out (limit 3 s, set at "),
        "{last}"
    );
    assert!(last.contains("quickstart.rs:"), "{last}");
}

#[cfg(unix)]
#[test]
fn the_quickstart_stops_for_ctrl_c() {
    let tree = Tree::new();
    let mut running = Running::start(tree.command(bin!("quickstart"), &[]));
    let ended = running.until_it_prints("row 1").signal("INT").end();
    let lines = ended.assert_code(0).lines();
    let last = lines.last().unwrap();
    assert!(last.starts_with("import cancelled after "), "{last}");
    assert!(last.contains(": SIGINT received (set at "), "{last}");
}

#[test]
fn the_library_example_attributes_each_timeout_to_its_scope() {
    let tree = Tree::new();
    let lines = Ended::of(tree.command(bin!("library"), &[]))
        .assert_code(0)
        .lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].contains("timed out (limit 500 ms, set at "),
        "{lines:?}"
    );
    assert!(
        lines[0].starts_with("ask north cancelled after "),
        "{lines:?}"
    );
    assert_eq!(lines[1], "south answered");
    assert!(
        lines[2].contains("timed out (limit 100 ms, set at "),
        "{lines:?}"
    );
}

#[test]
fn the_migrated_program_runs_as_before_and_can_say_why() {
    let tree = Tree::new();
    let lines = Ended::of(tree.command(bin!("migration"), &[]))
        .assert_code(0)
        .lines();
    assert_eq!(
        lines[..3],
        [
            "request: told to stop",
            "the server goes on: true",
            "server: told to stop"
        ]
    );
    assert!(
        lines[3].starts_with("cancel requested: the operator closed the port (at "),
        "{lines:?}"
    );
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(examples.parent().unwrap().join("README.md")).unwrap();
    let source = fs::read_to_string(examples.join("src/bin/quickstart.rs")).unwrap();
    let code = source.split_once("\n\n").unwrap().1;
    assert!(code.starts_with("use "), "{code}");
    assert!(
        readme.contains(&format!("\n{code}```\n")),
        "README.md has another program than quickstart.rs"
    );
}
