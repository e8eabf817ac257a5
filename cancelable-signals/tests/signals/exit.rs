//! R33: a program that a signal has stopped cleans up and then ends by that signal, so that its parent sees the
//! signal.

use crate::parent::Program;
use cancelable_signals::Signal;
use std::os::unix::process::ExitStatusExt;

fn start(program: Program, signal: &str) -> (Program, Signal) {
    let mut program = program;
    program.hears("which").tell(signal);
    (program, signal.parse().unwrap())
}

#[test]
fn r33_a_program_that_has_cleaned_up_dies_of_the_signal_that_stopped_it() {
    for name in ["INT", "TERM", "HUP", "USR1"] {
        let (mut program, signal) = start(Program::start("exits_by"), name);
        let (said, status) = program.end();
        assert_eq!(status.signal(), Some(signal.number()), "{status}");
        assert_eq!(said, ["cleaned up"], "its output is flushed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn r33_a_signal_that_is_blocked_ends_the_program_all_the_same() {
    if !crate::parent::can_run("env", &["--block-signal=USR2", "true"]) {
        return;
    }
    let program = Program::start_under("env", &["--block-signal=USR2"], "exits_by_other");
    let (mut program, signal) = start(program, "USR2");
    let (said, status) = program.end();
    assert_eq!(status.signal(), Some(signal.number()), "{status}");
    assert_eq!(said, ["cleaned up"]);
}

#[test]
fn r33_a_signal_whose_default_is_not_the_end_is_told_by_the_exit_code() {
    for name in ["WINCH", "TSTP", "CHLD"] {
        let (mut program, signal) = start(Program::start("exits_by_other"), name);
        let (said, status) = program.end();
        assert_eq!(status.code(), Some(128 + signal.number()), "{status}");
        assert_eq!(said, ["cleaned up"]);
    }
}

/// The kernel delivers it no default action, so it cannot die of the signal.
#[cfg(target_os = "linux")]
#[test]
fn r33_process_1_exits_with_128_and_the_number() {
    let args = ["--user", "--map-root-user", "--pid", "--fork"];
    if !crate::parent::can_run("unshare", &[&args[..], &["true"]].concat()) {
        return;
    }
    for (kind, name) in [("exits_by", "TERM"), ("take_default", "INT")] {
        let (mut program, signal) = start(Program::start_under("unshare", &args, kind), name);
        let (_, status) = program.end();
        assert_eq!(
            status.code(),
            Some(128 + signal.number()),
            "{kind} {status}"
        );
    }
}

/// A thread that hangs in a write holds the lock of standard output.
#[test]
fn r33_standard_output_that_hangs_keeps_nobody_alive() {
    let (mut program, signal) = start(Program::start("exits_by_hanging"), "INT");
    program.is_killed_by(signal);
}
