//! The words of the command line.

use crate::kit::{Ended, Tree};

#[test]
fn a_wrong_command_line_is_code_2_and_touches_nothing() {
    let tree = Tree::new();
    let ended = Ended::of(tree.checksum(&["--timeout", "soon", "-o", "sums"]));
    ended.assert_code(2).assert_says("soon");
    assert!(!tree.path("sums").exists());
}

#[test]
fn the_help_names_every_exit_code() {
    let tree = Tree::new();
    let help = Ended::of(tree.checksum(&["--help"]))
        .assert_code(0)
        .lines()
        .join("\n");
    for code in [0, 1, 2, 75, 124, 130, 143] {
        assert!(
            help.contains(&format!("\n{code:>5}  ")),
            "no {code} in {help}"
        );
    }
}
