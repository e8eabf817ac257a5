//! R33: a signal reaches every watcher, and the cause names the signal.

use crate::parent::Program;
use cancelable_signals::Signal;

#[test]
fn r33_a_signal_cancels_the_token_and_the_cause_names_it() {
    for signal in Signal::shutdown() {
        Program::start("shutdown")
            .hears("ready")
            .signal(signal)
            .hears(signal.name())
            .exits_with(0);
    }
}

#[test]
fn r33_every_signal_that_can_be_caught_is_delivered() {
    let mut program = Program::start("every_one");
    let mut count = 0;
    for signal in (1..128).filter_map(|number| Signal::try_from(number).ok()) {
        program
            .hears("which")
            .tell(signal.number())
            .hears("ready")
            .signal(signal)
            .hears(signal.name());
        count += 1;
    }
    let wanted = if cfg!(target_os = "linux") { 57 } else { 25 };
    assert!(count >= wanted, "only {count} signals were tried");
    program.hears("which").tell("").exits_with(0);
}

#[test]
fn r10_r33_a_logger_that_panics_loses_no_signal() {
    Program::start("panicking_logger")
        .hears("ready")
        .signal(Signal::INT)
        .hears("SIGINT")
        .exits_with(0);
}

#[test]
fn r33_several_watchers_from_two_threads_all_receive_one_signal() {
    Program::start("many")
        .hears("ready")
        .signal(Signal::INT)
        .hears("4")
        .exits_with(0);
}

#[test]
fn r33_a_watcher_that_goes_takes_nothing_from_another() {
    let mut program = Program::start("in_part");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("kept")
        .hears("ready");
    program.signal(Signal::INT).is_killed_by(Signal::INT);
}

#[test]
fn r33_no_signal_is_lost_while_other_watchers_come_and_go() {
    for program in ["counts", "churn"] {
        let mut program = Program::start(program);
        program.hears("ready");
        for count in 1..=200 {
            program.signal(Signal::INT).hears(&count.to_string());
        }
        program.tell("").exits_with(0);
    }
}
