//! R33: the previous disposition of the process, which is restored when the last source is dropped.

use crate::parent::Program;
use cancelable_signals::Signal;

#[test]
fn r33_the_default_action_is_back_when_the_last_watcher_has_gone() {
    for signal in Signal::shutdown() {
        Program::start("restored")
            .hears("ready")
            .signal(signal)
            .is_killed_by(signal);
    }
}

#[test]
fn r33_the_default_action_is_taken_before_the_raising_thread_goes_on() {
    Program::start("raises").is_killed_by(Signal::INT);
}

#[cfg(target_os = "linux")]
#[test]
fn r33_a_signal_ignored_at_the_start_stays_ignored() {
    let mut program = Program::start_ignoring("INT", "ignored");
    let term = Signal::term().unwrap();
    program
        .hears("Ignored")
        .hears("ready")
        .signal(Signal::INT)
        .signal(term)
        .hears("SIGTERM");
    program
        .hears("Ignored")
        .hears("ready")
        .signal(Signal::INT)
        .signal(term)
        .is_killed_by(term);
}

#[cfg(target_os = "linux")]
#[test]
fn r33_a_signal_ignored_at_the_start_is_watched_on_demand_and_ignored_again_after() {
    let mut program = Program::start_ignoring("INT", "ignored_asked");
    let term = Signal::term().unwrap();
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("SIGINT")
        .hears("ready");
    program.signal(Signal::INT).signal(term).is_killed_by(term);
}

#[cfg(target_os = "linux")]
#[test]
fn r33_a_handler_that_was_there_before_goes_on_beside_the_sources_and_after_them() {
    let mut program = Program::start("handled");
    program
        .hears("Handled")
        .hears("ready")
        .signal(Signal::INT)
        .hears("both")
        .hears("ready");
    program
        .signal(Signal::INT)
        .hears("left alone")
        .exits_with(0);
}

#[test]
fn r33_the_signal_is_left_to_a_later_handler_that_the_program_names() {
    Program::start("handled_later")
        .hears("ready")
        .signal(Signal::INT)
        .hears("left alone")
        .exits_with(0);
}

#[cfg(target_os = "linux")]
#[test]
fn r33_a_signal_whose_default_signal_hook_does_not_know_ends_the_process_by_its_status() {
    for name in ["SIGIO", "SIGPWR", "SIGSTKFLT", "SIGRTMIN+6"] {
        let signal: Signal = name.parse().unwrap();
        let mut program = Program::start("unemulated");
        program
            .hears("which")
            .tell(name)
            .hears("ready")
            .signal(signal)
            .exits_with(128 + signal.number());
    }
}
