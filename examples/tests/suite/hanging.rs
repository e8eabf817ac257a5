//! A write that hangs, because its reader does not read: a user who insists does not wait.

use crate::kit::Tree;
use crate::running::Running;

/// The length of a line: a digest, two spaces, `tree/`, the name, a newline.
const LINE: usize = 64 + 2 + 5 + NAME + 1;
const NAME: usize = 201;

/// So many lines that they do not fit into a pipe that nobody reads.
fn more_lines_than_a_pipe_holds() -> Tree {
    assert_ne!((64 << 10) % LINE, 0, "lines that fill a pipe exactly");
    let tree = Tree::new();
    for n in 0..2000 {
        tree.file(format!("{n:0NAME$}"), "");
    }
    tree
}

// R33: the second signal does not wait for a write that hangs.
#[test]
fn the_second_ctrl_c_insists() {
    let tree = more_lines_than_a_pipe_holds();
    let mut running = Running::start(tree.checksum(&[]));
    running.until_a_write_hangs().signal("INT");
    running
        .until_it_says(&["waiting for a read or a write that hangs"])
        .signal("INT");
    let ended = running.end_unread();
    ended
        .assert_died_of(2)
        .assert_says("SIGINT received")
        .assert_says("because of the second signal: SIGINT received");
}

// R33: the signals count together.
#[test]
fn sigterm_after_ctrl_c_insists_and_the_first_is_the_cause() {
    let tree = more_lines_than_a_pipe_holds();
    let mut running = Running::start(tree.checksum(&[]));
    running.until_a_write_hangs().signal("INT");
    running
        .until_it_says(&["waiting for a read or a write that hangs"])
        .signal("TERM");
    running
        .end_unread()
        .assert_died_of(2)
        .assert_says(": SIGINT received")
        .assert_says("because of the second signal: SIGTERM received");
}

#[test]
fn a_write_that_hangs_for_long_is_left_behind_without_a_second_signal() {
    let tree = more_lines_than_a_pipe_holds();
    let mut running = Running::start(tree.checksum(&[]));
    running.until_a_write_hangs().signal("TERM");
    running
        .end_unread()
        .assert_died_of(15)
        .assert_says("not waited for any longer");
}
