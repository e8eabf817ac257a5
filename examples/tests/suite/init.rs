//! `init` exits as its command does. The role as process 1 is tested in the crate that implements it: in
//! `cancelable-process`.

use crate::kit::{Ended, Tree, bin};
use crate::running::Running;

#[test]
fn it_exits_as_its_command_does() {
    let tree = Tree::new();
    for (args, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "exit $#", "sh", "-v", "--"], 2),
        (&["/no/such/program"], 127),
        (&["/dev/null"], 126),
        (&[], 125),
    ] {
        Ended::of(tree.command(bin!("init"), args)).assert_code(code);
    }
    for number in [2, 9, 15] {
        let kill = format!("kill -{number} $$");
        let args = ["sh", "-c", &kill];
        Ended::of(tree.command(bin!("init"), &args)).assert_died_of(number);
    }
}

#[test]
fn r33_it_passes_signals_on() {
    let tree = Tree::new();
    let script = "trap 'echo got; exit 3' TERM; echo ready; while :; do :; done";
    let mut running = Running::start(tree.command(bin!("init"), &["sh", "-c", script]));
    let ended = running.until_it_prints("ready").signal("TERM").end();
    assert_eq!(ended.assert_code(3).lines(), ["got"]);
}
