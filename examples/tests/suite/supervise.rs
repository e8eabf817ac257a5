//! `supervise` beside timeout(1): the same arguments, the same exit code and the same words.
//!
//! A limit is either short, for a command that never ends, or so long that it is never reached: nothing here
//! depends on speed. The end of a pipe shows that no process of the command is left.

use std::process::Command;

use crate::kit::{Ended, Tree, bin};
use crate::running::Running;

const LONG: &str = "1000";
const SHORT: &str = "0.01";
/// A signal that a program ignores which does not look for it, unlike SIGTERM.
const UNHEARD: &str = "URG";
/// The first line of a script after which its parent may be signalled. A signal that meets timeout
/// before its fork has returned, when the command may run already, ends timeout alone; after the
/// fork it only sleeps to wait.
const WHEN_WATCHED: &str = "until grep -q '^State:.S' /proc/$PPID/status; do :; done;";

/// The exit code as a shell says it.
fn code(ended: &Ended) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let status = ended.status;
    status
        .code()
        .or(status.signal().map(|number| 128 + number))
        .unwrap()
}

fn both(tree: &Tree, args: &[&str]) -> [Command; 2] {
    ["timeout", bin!("supervise")].map(|program| tree.command(program, args))
}

#[test]
fn it_exits_as_timeout_does() {
    let shell = |script| [LONG, "sh", "-c", script];
    let forever = [SHORT, "sleep", "1000"];
    let with = |flags: &[&'static str], rest: &[&'static str]| [flags, rest].concat();
    let table: Vec<(Vec<&str>, i32)> = vec![
        // It ends by itself.
        (vec![LONG, "true"], 0),
        (vec![LONG, "false"], 1),
        (shell("exit 42").to_vec(), 42),
        (shell("exit 124").to_vec(), 124),
        (shell("exit 137").to_vec(), 137),
        (shell("kill -TERM $$").to_vec(), 143),
        (shell("kill -KILL $$").to_vec(), 137),
        (with(&["--preserve-status"], &shell("exit 42")), 42),
        (with(&["--foreground"], &shell("exit 42")), 42),
        (with(&["-v"], &[LONG, "true"]), 0),
        // The time is over.
        (forever.to_vec(), 124),
        (with(&["--preserve-status"], &forever), 143),
        (with(&["--foreground"], &forever), 124),
        (with(&["--foreground", "--preserve-status"], &forever), 143),
        (with(&["-s", "USR1"], &forever), 124),
        (with(&["-s", "usr1", "--preserve-status"], &forever), 138),
        (with(&["-s", "SIGUSR1", "--preserve-status"], &forever), 138),
        (with(&["-s10", "--preserve-status"], &forever), 138),
        (with(&["--signal=USR1", "--preserve-status"], &forever), 138),
        (with(&["-k", LONG], &forever), 124),
        (with(&["-k", "0"], &forever), 124),
        // It comes to the kill.
        (with(&["-s", "KILL"], &forever), 137),
        (with(&["-s", "9", "--preserve-status"], &forever), 137),
        (with(&["-s", "KILL", "--foreground"], &forever), 137),
        (with(&["-s", UNHEARD, "-k", SHORT], &forever), 137),
        (with(&["-s", UNHEARD, "--kill-after=0.01"], &forever), 137),
        (
            with(&["-s", UNHEARD, "-k", SHORT, "--foreground"], &forever),
            137,
        ),
        (
            with(&["-s", UNHEARD, "-k", SHORT, "--preserve-status"], &forever),
            137,
        ),
        // Durations.
        (vec!["0", "true"], 0),
        (vec!["0.0", "true"], 0),
        (vec!["1e3", "true"], 0),
        (vec!["1000s", "true"], 0),
        (vec!["100m", "true"], 0),
        (vec!["1h", "true"], 0),
        (vec!["1d", "true"], 0),
        (vec!["1e20", "true"], 0),
        (vec!["inf", "true"], 0),
        (vec!["0.00001d", "sleep", "1000"], 124),
        // Invalid arguments.
        (vec![], 125),
        (vec![LONG], 125),
        (vec!["abc", "true"], 125),
        (vec!["-1", "true"], 125),
        (vec!["nan", "true"], 125),
        (vec!["1x", "true"], 125),
        (vec!["", "true"], 125),
        (vec!["-s", "NOPE", LONG, "true"], 125),
        (vec!["-k", "x", LONG, "true"], 125),
        (vec!["--nope", LONG, "true"], 125),
        (vec![LONG, "/dev/null"], 126),
        (vec![LONG, "/"], 126),
        (vec![LONG, "/no/such/program"], 127),
        (vec![LONG, "no-such-program"], 127),
        // Arguments that look like its own.
        (vec!["--", LONG, "true"], 0),
        (vec![LONG, "--", "true"], 127),
        (vec![LONG, "-v", "true"], 127),
        (
            vec![LONG, "sh", "-c", "exit $#", "sh", "-k", "--help", "--"],
            3,
        ),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
    ];
    let tree = Tree::new();
    for (args, usual) in &table {
        let [theirs, ours] = both(&tree, args);
        // The answer of both depends on this machine: a folder on PATH that may not be read makes a program that
        // is not there one that cannot be started. So the table only has what is usual. If the time is over
        // before it has started the command, the signal meets a copy of timeout itself there, and so does what
        // timeout then says.
        let mut theirs = Ended::of(theirs);
        for _ in 0..20 {
            if code(&theirs) != *usual {
                theirs = Ended::of(tree.command("timeout", args));
            }
        }
        let ours = Ended::of(ours);
        assert_eq!(code(&ours), code(&theirs), "{args:?} {ours:?} {theirs:?}");
    }
}

/// A shell that runs it in a loop is told by the signal that the user has ended it.
#[test]
fn r33_it_dies_of_what_the_command_died_of_as_timeout_does() {
    let tree = Tree::new();
    for number in [2, 9, 11, 15] {
        let kill = format!("kill -{number} $$");
        for command in both(&tree, &[LONG, "sh", "-c", &kill]) {
            Ended::of(command).assert_died_of(number);
        }
    }
}

/// In it and in the command, as `nohup` and the background jobs of a script are started.
#[test]
fn r33_what_was_ignored_at_the_start_stays_ignored() {
    let tree = Tree::new();
    for wrapper in [
        bin!("init").to_owned(),
        format!("{} {LONG}", bin!("supervise")),
    ] {
        let script = "kill -INT $PPID $$; kill -HUP $PPID $$; kill -QUIT $PPID $$; exit 5";
        let line = format!("trap '' INT HUP QUIT; exec {wrapper} sh -c '{script}'");
        Ended::of(tree.command("sh", &["-c", &line])).assert_code(5);
    }
}

#[test]
fn r20_a_limit_ends_the_command_also_where_its_signal_was_ignored_as_with_timeout() {
    let tree = Tree::new();
    for program in ["timeout", bin!("supervise")] {
        let line = format!("trap '' TERM USR1; exec {program} -s USR1 {SHORT} sleep 1000");
        Ended::of(tree.command("sh", &["-c", &line])).assert_code(124);
    }
}

#[test]
fn r28_no_status_is_lost_where_sigchld_was_ignored_or_blocked() {
    let tree = Tree::new();
    for state in ["--ignore-signal=CHLD", "--block-signal=CHLD,TERM,INT"] {
        if !crate::kit::can_start_by(&["env", state]) {
            return;
        }
        for wrapper in [&[bin!("init")][..], &[bin!("supervise"), LONG]] {
            let command = ["sh", "-c", "(exit 6) & wait $!; exit $(($? + 1))"];
            let args = [&[state], wrapper, &command].concat();
            Ended::of(tree.command("env", &args)).assert_code(7);
        }
    }
}

#[test]
fn r33_a_signal_that_was_blocked_at_the_start_is_passed_on() {
    let tree = Tree::new();
    let blocking = "--block-signal=TERM,INT";
    if !crate::kit::can_start_by(&["env", blocking]) {
        return;
    }
    for wrapper in [&[bin!("init")][..], &[bin!("supervise"), LONG]] {
        let script = "trap 'exit 7' TERM; kill -TERM $PPID; while :; do :; done";
        let args = [&[blocking], wrapper, &["sh", "-c", script]].concat();
        Ended::of(tree.command("env", &args)).assert_code(7);
    }
}

/// A signal that would end the process and is not a request to end: the command is not left behind.
#[test]
fn r33_a_signal_of_a_users_own_is_passed_on() {
    let tree = Tree::new();
    for signal in ["USR1", "ALRM"] {
        let script = format!(
            "{WHEN_WATCHED} trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do :; done"
        );
        let args = [LONG, "sh", "-c", &script];
        let mut running = Running::start(tree.command(bin!("supervise"), &args));
        let ended = running.until_it_prints("ready").signal(signal).end();
        assert_eq!(ended.assert_code(9).lines(), [format!("got {signal}")]);
    }
}

#[test]
fn r25_the_whole_group_ends_as_with_timeout() {
    let tree = Tree::new();
    let args = [SHORT, "sh", "-c", "sleep 1000 & sleep 1000 & wait"];
    for command in both(&tree, &args) {
        // The pipes end when all have.
        Ended::of(command).assert_code(124);
    }
}

#[test]
fn r33_a_signal_is_passed_on_as_timeout_does() {
    let tree = Tree::new();
    for signal in ["TERM", "HUP", "QUIT"] {
        let script = format!(
            "{WHEN_WATCHED} trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do :; done"
        );
        for command in both(&tree, &[LONG, "sh", "-c", &script]) {
            let mut running = Running::start(command);
            let ended = running.until_it_prints("ready").signal(signal).end();
            assert_eq!(ended.assert_code(9).lines(), [format!("got {signal}")]);
        }
    }
}

#[test]
fn r23_the_grace_counts_from_a_signal_that_was_passed_on_as_with_timeout() {
    let tree = Tree::new();
    let script = format!("{WHEN_WATCHED} trap 'echo asked' TERM; echo ready; while :; do :; done");
    for command in both(&tree, &["-k", SHORT, LONG, "sh", "-c", &script]) {
        let mut running = Running::start(command);
        let ended = running.until_it_prints("ready").signal("TERM").end();
        assert_eq!(code(&ended), 137, "{ended:?}");
    }
}

#[test]
fn r33_the_limit_holds_after_a_signal_that_was_passed_on_as_with_timeout() {
    let tree = Tree::new();
    // It has the signal sent to itself, answers it, and goes on. If the limit is reached before
    // that, what is asked here holds as well.
    let script =
        format!("{WHEN_WATCHED} trap 'echo asked' TERM; kill -TERM $PPID; while :; do :; done");
    for command in both(&tree, &["-s", "KILL", "0.3", "sh", "-c", &script]) {
        let ended = Ended::of(command);
        assert_eq!(code(&ended), 137, "{ended:?}");
    }
}

#[test]
fn it_has_names_of_its_own_for_the_same() {
    let tree = Tree::new();
    let run = |args: &[&str]| Ended::of(tree.command(bin!("supervise"), args));
    run(&["--timeout", SHORT, "sleep", "1000"]).assert_code(124);
    run(&["--timeout", LONG, "sh", "-c", "exit 42"]).assert_code(42);
    run(&[
        "--timeout",
        SHORT,
        "--grace",
        SHORT,
        "-s",
        UNHEARD,
        "sleep",
        "1000",
    ])
    .assert_code(137);
    run(&["--timeout", LONG]).assert_code(125);
}

#[test]
fn r06_it_says_why_when_it_is_asked_to() {
    let tree = Tree::new();
    let args = ["-v", "-s", UNHEARD, "-k", SHORT, SHORT, "sleep", "1000"];
    Ended::of(tree.command(bin!("supervise"), &args))
        .assert_code(137)
        .assert_says("supervise: sending SIGURG: timed out (limit 10 ms")
        .assert_says("supervise: sent signal KILL to sleep");
}
