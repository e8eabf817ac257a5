//! Files that cannot be hashed, and output that cannot be written.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::kit::{Ended, Tree};
use crate::running::Running;

#[test]
fn a_file_that_is_gone_is_reported_and_the_rest_is_done() {
    let tree = Tree::new();
    tree.file("a", "abc");
    symlink("nowhere", tree.path("tree/gone")).unwrap();
    let ended = Ended::of(tree.checksum(&["--follow"]));
    ended
        .assert_code(1)
        .assert_says("tree/gone: No such file")
        .assert_says("1 file could not be read");
    assert_eq!(ended.lines().len(), 1);
    ended.assert_says("completed");
}

/// A regular file that opens and whose first read fails, for root as well.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_rest_is_done() {
    let tree = Tree::new();
    tree.file("a", "abc");
    symlink("/proc/self/mem", tree.path("tree/mem")).unwrap();
    let ended = Ended::of(tree.checksum(&["--follow", "--json"]));
    let report = ended.assert_code(1).json();
    assert_eq!(report["status"], "completed");
    assert_eq!(report["done"]["files"], 1);
    assert_eq!(report["failed"], 1);
    assert_eq!(report["failures"][0]["path"], "tree/mem");
    ended.assert_says("tree/mem: ");
}

#[test]
fn a_directory_that_does_not_exist_is_an_error() {
    let tree = Tree::new();
    let ended = Ended::of(tree.command(crate::kit::bin!("checksum"), &["nowhere"]));
    ended.assert_code(1).assert_says("nowhere: No such file");
}

#[test]
fn a_fifo_is_skipped_and_never_waited_for() {
    let tree = Tree::new();
    tree.file("a", "abc");
    assert!(
        Command::new("mkfifo")
            .arg(tree.path("tree/fifo"))
            .status()
            .unwrap()
            .success()
    );
    let ended = Ended::of(tree.checksum(&[]));
    ended
        .assert_code(0)
        .assert_says("tree/fifo: skipped, it is a fifo");
    assert_eq!(ended.lines().len(), 1);
}

#[test]
fn links_are_left_out_and_a_loop_of_them_is_an_error_when_followed() {
    let tree = Tree::new();
    tree.file("a", "abc");
    symlink("a", tree.path("tree/link")).unwrap();
    let ended = Ended::of(tree.checksum(&[]));
    ended.assert_code(0).assert_says("1 symbolic links");
    assert_eq!(ended.lines().len(), 1);
    symlink(".", tree.path("tree/loop")).unwrap();
    let ended = Ended::of(tree.checksum(&["--follow"]));
    ended
        .assert_code(1)
        .assert_says("tree/loop: a loop of symbolic links");
    assert_eq!(ended.lines().len(), 2);
}

#[test]
fn a_reader_that_goes_away_ends_the_job() {
    let tree = Tree::new();
    tree.file("first", "abc").huge("huge");
    let mut running = Running::start(tree.checksum(&["-j", "2"]));
    let ended = running.stop_listening().end();
    ended
        .assert_code(1)
        .assert_says("standard output: Broken pipe");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_job() {
    let tree = Tree::new();
    tree.file("first", "abc").huge("huge");
    let ended = Ended::of(tree.checksum(&["-j", "2", "-o", "/dev/full"]));
    ended.assert_code(1).assert_says("/dev/full: No space left");
}

/// The shell's limit on the length of files stands for a disk that is full in the middle of a line.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_grow_ends_with_a_complete_line() {
    let tree = Tree::new();
    for n in 0..2000 {
        tree.file(n.to_string(), "");
    }
    tree.huge("huge");
    let program = crate::kit::bin!("checksum");
    let line = format!("trap '' XFSZ; ulimit -f 8; exec '{program}' tree -a sha256 -o sums");
    let ended = Ended::of(tree.command("sh", &["-c", &line]));
    ended.assert_code(1).assert_says("sums: File too large");
    tree.assert_sha256sum_accepts(&tree.path("sums"));
}

#[test]
fn an_output_that_cannot_be_made_is_an_error_before_anything_is_read() {
    let tree = Tree::new();
    tree.huge("huge");
    let ended = Ended::of(tree.checksum(&["-o", "no/such/directory"]));
    ended
        .assert_code(1)
        .assert_says("no/such/directory: No such file");
}

#[test]
fn quiet_says_what_went_wrong_and_nothing_else() {
    let tree = Tree::new();
    tree.file("a", "abc");
    assert_eq!(Ended::of(tree.checksum(&["-q"])).assert_code(0).stderr, "");
    symlink("nowhere", tree.path("tree/gone")).unwrap();
    Ended::of(tree.checksum(&["-q", "--follow"]))
        .assert_code(1)
        .assert_says("tree/gone: ");
}
