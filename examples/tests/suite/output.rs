//! The file of `checksum -o FILE`, which stays unchanged until all lines are written.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::kit::{Ended, Tree, bin};
use crate::running::Running;

fn checksum(tree: &Tree, args: &[&str]) -> Ended {
    Ended::of(tree.command(bin!("checksum"), args))
}

fn text(tree: &Tree, name: &str) -> String {
    fs::read_to_string(tree.path(name)).unwrap()
}

/// All names in the directory of the test.
fn names(tree: &Tree) -> Vec<String> {
    let entries = fs::read_dir(tree.path("")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_to_be_hashed_is_never_the_output() {
    let tree = Tree::new();
    fs::write(tree.path("x"), "precious").unwrap();
    fs::hard_link(tree.path("x"), tree.path("hard")).unwrap();
    symlink("x", tree.path("soft")).unwrap();
    for (input, output) in [
        ("x", "x"),
        ("x", "./tree/../x"),
        ("x", "hard"),
        ("x", "soft"),
        ("soft", "x"),
    ] {
        checksum(&tree, &[input, "-o", output])
            .assert_code(1)
            .assert_says(": it is the output as well");
        assert_eq!(text(&tree, "x"), "precious");
    }
    let append = fs::File::options().append(true).open(tree.path("x"));
    let mut command = tree.command(bin!("checksum"), &["x"]);
    command.stdout(append.unwrap());
    Ended::of_status(command).assert_code(1);
    assert_eq!(text(&tree, "x"), "precious");
}

#[test]
fn a_name_that_is_nowhere_leaves_the_old_lines() {
    let tree = Tree::new();
    fs::write(tree.path("SUMS"), "old\n").unwrap();
    checksum(&tree, &["typo", "-o", "SUMS"])
        .assert_code(1)
        .assert_says("typo: No such file");
    assert_eq!(text(&tree, "SUMS"), "old\n");
    checksum(&tree, &["typo", "-o", "NEW"]).assert_code(1);
    assert_eq!(names(&tree), ["SUMS", "tree"]);
}

// R33: what was done is kept, and what was there before is not lost for it.
#[test]
fn a_run_that_is_stopped_replaces_nothing_and_keeps_its_lines_beside_it() {
    let tree = Tree::new();
    tree.file("first", "abc").huge("huge");
    fs::write(tree.path("SUMS"), "old\n").unwrap();
    let arguments = ["-a", "sha256", "-j", "2", "-o", "SUMS"];
    let mut running = Running::start(tree.checksum(&arguments));
    running.until_it_says(&["checksum: 1 of 2 files"]);
    let ended = running.signal("TERM").end();
    ended
        .assert_died_of(15)
        .assert_says("output   as it was; the lines of this run are in ");
    assert_eq!(text(&tree, "SUMS"), "old\n");
    assert_eq!(text(&tree, "SUMS.partial").lines().count(), 1);
    assert_eq!(names(&tree), ["SUMS", "SUMS.partial", "tree"]);
}

#[test]
fn a_run_that_completes_replaces_the_file_and_nothing_else() {
    let tree = Tree::new();
    tree.file("a", "abc");
    fs::write(
        tree.path("SUMS"),
        "old and longer than a line of digest is by far".repeat(9),
    )
    .unwrap();
    fs::hard_link(tree.path("SUMS"), tree.path("other")).unwrap();
    symlink("SUMS", tree.path("link")).unwrap();
    checksum(&tree, &["tree", "-o", "link"]).assert_code(0);
    assert_eq!(text(&tree, "SUMS").lines().count(), 1);
    assert!(text(&tree, "other").starts_with("old"));
    assert!(tree.path("link").is_symlink());
    assert_eq!(names(&tree), ["SUMS", "link", "other", "tree"]);
}

#[test]
fn the_output_in_the_tree_is_not_hashed_and_another_name_of_it_is() {
    let tree = Tree::new();
    tree.file("a", "abc").file("SUMS", "old");
    fs::hard_link(tree.path("tree/SUMS"), tree.path("tree/b")).unwrap();
    checksum(&tree, &["tree", "-o", "tree/SUMS"])
        .assert_code(0)
        .assert_says("tree/SUMS: skipped, it is the output")
        .assert_says("done     2 files");
    assert_eq!(text(&tree, "tree/b"), "old");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_as_such() {
    let tree = Tree::new();
    tree.file("a", "abc");
    for (args, name) in [
        (&["tree", "-o", "/dev/full"][..], "/dev/full"),
        (&["tree", "-o", "/dev/full", "--json"], "/dev/full"),
    ] {
        let ended = checksum(&tree, args);
        ended.assert_code(1);
        let said = format!("{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout));
        assert!(said.contains(&format!("{name}: No space left")), "{said}");
        assert!(
            said.contains("failed") && !said.contains("too early"),
            "{said}"
        );
    }
    let mut command = tree.checksum(&[]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    command.stdout(full);
    Ended::of_status(command)
        .assert_code(1)
        .assert_says("failed after ")
        .assert_says(": standard output: No space left");
}

#[test]
fn a_fifo_is_written_to_and_ended_whoever_comes_first() {
    let tree = Tree::new();
    tree.file("a", "abc");
    let made = Command::new("mkfifo").arg(tree.path("fifo")).status();
    assert!(made.unwrap().success());
    for (input, lines) in [("tree", 1), ("typo", 0)] {
        let mut reader = tree.command("cat", &["fifo"]);
        let reader = reader.stdout(Stdio::piped()).spawn().unwrap();
        checksum(&tree, &[input, "-o", "fifo"]);
        let read = reader.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&read).lines().count(), lines);
    }
}

/// The earlier content of an open file stays there.
#[cfg(target_os = "linux")]
#[test]
fn an_open_file_by_its_number_is_gone_on_with() {
    let tree = Tree::new();
    tree.file("a", "abc");
    let program = bin!("checksum");
    for name in ["/dev/stdout", "/dev/fd/3", "/proc/self/fd/3"] {
        let line = format!("{{ echo begun; '{program}' tree -q -o {name} 3>&1; }} >all");
        Ended::of(tree.command("sh", &["-c", &line])).assert_code(0);
        let all = text(&tree, "all");
        assert!(
            all.starts_with("begun\n") && all.lines().count() == 2,
            "{all}"
        );
    }
}

#[test]
fn what_is_asked_for_by_name_is_hashed_or_it_is_a_failure() {
    let tree = Tree::new();
    tree.file("a", "abc");
    symlink("tree/a", tree.path("link")).unwrap();
    let lines = checksum(&tree, &["link"]).assert_code(0).lines();
    assert_eq!(lines.len(), 1);
    let made = Command::new("mkfifo").arg(tree.path("fifo")).status();
    assert!(made.unwrap().success());
    checksum(&tree, &["fifo"])
        .assert_code(1)
        .assert_says("fifo: it is a fifo");
    symlink("nowhere", tree.path("dangling")).unwrap();
    checksum(&tree, &["dangling"]).assert_code(1);
}
