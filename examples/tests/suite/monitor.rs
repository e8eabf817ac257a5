//! `monitor` where there is no terminal: one picture as text.

use crate::kit::{Ended, Tree, bin};

fn monitor(args: &[&str]) -> Ended {
    let tree = Tree::new();
    Ended::of(tree.command(bin!("monitor"), args))
}

#[test]
fn r35_a_thousand_operations_are_open_at_once_and_all_end() {
    for args in [&[][..], &["--once"]] {
        let ended = monitor(args);
        let lines = ended.assert_code(0).lines();
        assert!(lines[0].starts_with("1,000 operations: "), "{lines:?}");
        assert!(lines[0].contains(" running"), "{lines:?}");
        assert!(lines[1].starts_with("▾ load ("), "{lines:?}");
        let last = lines
            .iter()
            .rfind(|line| line.starts_with("1,000 operations: "));
        let last = last.unwrap();
        assert!(
            !last.contains("running") && !last.contains("pending"),
            "{last}"
        );
        assert!(last.contains(" cancelled"), "{last}");
        assert!(
            lines
                .iter()
                .any(|line| line.ends_with("events were missed"))
        );
    }
}

#[test]
fn a_wrong_command_line_is_code_2() {
    monitor(&["-n", "0"])
        .assert_code(2)
        .assert_says("--operations");
}

#[test]
fn the_help_has_the_keys() {
    let help = monitor(&["--help"]).assert_code(0).lines().join("\n");
    assert!(
        help.contains("cancel all, wait for the end, and leave"),
        "{help}"
    );
}
