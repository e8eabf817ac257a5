//! R33: a signal for another process is not served here.

use crate::parent::Program;
use cancelable_signals::Signal;
use rustix::process::{Pid, Signal as Named, kill_process};
use std::fs;
use std::thread;

/// A line of the process's status.
fn status(pid: Pid, name: &str) -> String {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = fs::read_to_string(path).expect("it is there");
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value.expect("Linux says so").trim().to_owned()
}

fn is_stopped(pid: Pid) -> bool {
    let state = status(pid, "State:");
    assert!(!state.starts_with('Z'), "it has come to its end: {state}");
    state.starts_with('T')
}

/// Returns whether SIGINT is pending there for its handler.
fn is_pending(pid: Pid) -> bool {
    let pending = u64::from_str_radix(&status(pid, "ShdPnd:"), 16).unwrap();
    pending >> (Signal::INT.number() - 1) & 1 == 1
}

#[test]
fn r33_a_signal_that_reaches_a_child_between_fork_and_exec_is_not_its_parents() {
    let mut program = Program::start("forked");
    let number: i32 = program.next().parse().unwrap();
    let forked = Pid::from_raw(number).unwrap();
    // Held where it is, so that nothing depends on how long that takes.
    kill_process(forked, Named::STOP).unwrap();
    while !is_stopped(forked) {
        thread::yield_now();
    }
    kill_process(forked, Named::INT).unwrap();
    kill_process(forked, Named::CONT).unwrap();
    while is_pending(forked) {
        thread::yield_now();
    }
    // Its handler has run, and it lives: the signal was caught.
    kill_process(forked, Named::STOP).unwrap();
    while !is_stopped(forked) {
        thread::yield_now();
    }
    program.tell("").hears("first: SIGUSR1");
    kill_process(forked, Named::KILL).unwrap();
    program.tell("").exits_with(0);
}
