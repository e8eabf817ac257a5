//! The small programs, whose output is that in the documentation.

use std::fs;
use std::path::Path;

use crate::kit::{Ended, Tree, bin};
#[cfg(unix)]
use crate::running::Running;

/// A page or source of the repository.
fn text(path: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(examples.parent().unwrap().join(path)).unwrap()
}

/// The program that the README shows.
const QUICKSTART: &str = "examples/src/bin/quickstart/program.rs";

/// A line of the README that says why its `src/main.rs` stopped, without the place of `what` in it, which the
/// quickstart does not tell.
fn placeless(line: &str, what: &str) -> String {
    let code = text(QUICKSTART);
    let number = code.lines().position(|line| line.contains(what)).unwrap() + 1;
    let place = format!("set at src/main.rs:{number})");
    let why = line.strip_suffix(&place).expect(line);
    match why.strip_suffix(", ") {
        Some(why) => format!("{why})"),
        None => why.strip_suffix(" (").unwrap().to_owned(),
    }
}

/// The line but for how long it took, which depends on the machine.
fn timeless(line: &str) -> String {
    let (name, rest) = line.split_once(" after ").unwrap();
    let (_, why) = rest.split_once(": ").unwrap();
    format!("{name} after some time: {why}")
}

#[test]
fn the_quickstart_stops_for_its_deadline() {
    let tree = Tree::new();
    let ended = Ended::of(tree.command(bin!("quickstart"), &[]));
    let rows = ended.assert_code(124).lines();
    let last = ended.stderr.trim_end();
    assert!(
        last.starts_with("Error: import cancelled after 3 s: "),
        "{last}"
    );
    let readme = text("README.md");
    let shown = readme.split_once("\n```text\n").unwrap().1;
    let shown: Vec<_> = shown.split_once("\n```\n").unwrap().0.lines().collect();
    let (last_shown, rows_shown) = shown.split_last().unwrap();
    // A machine that is slow may not come to the last row.
    assert_eq!(rows[..2], rows_shown[..2]);
    let shown = placeless(last_shown, ".timeout(");
    assert_eq!(timeless(last), timeless(&shown));
}

#[cfg(unix)]
#[test]
fn the_quickstart_stops_for_ctrl_c() {
    let tree = Tree::new();
    let mut running = Running::start(tree.command(bin!("quickstart"), &[]));
    let ended = running.until_it_prints("row 1").signal("INT").end();
    let last = ended.assert_died_of(2).stderr.trim_end();
    let readme = text("README.md");
    let shown = readme.split_once("With Ctrl-C after row 2").unwrap().1;
    let shown = shown.split('`').nth(1).unwrap();
    let shown = placeless(shown, "rt::ctrl_c()");
    assert_eq!(timeless(last), timeless(&shown));
}

#[test]
fn the_library_example_attributes_each_timeout_to_its_scope() {
    let tree = Tree::new();
    let lines = Ended::of(tree.command(bin!("library"), &[]))
        .assert_code(0)
        .lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].ends_with(": timed out (limit 500 ms)"),
        "{lines:?}"
    );
    assert!(
        lines[0].starts_with("ask north cancelled after "),
        "{lines:?}"
    );
    assert_eq!(lines[1], "south answered");
    assert!(
        lines[2].contains("timed out (limit 100 ms counted from "),
        "{lines:?}"
    );
    assert!(!lines.join("").contains(".rs:"), "{lines:?}");
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
    let last = "cancel requested: the operator closed the port";
    assert_eq!(lines[3..], [last]);
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let (readme, code) = (text("README.md"), text(QUICKSTART));
    assert!(code.starts_with("use "), "{code}");
    assert!(
        readme.contains(&format!("\n{code}```\n")),
        "README.md has another program than quickstart/program.rs"
    );
}
