//! R30: signals are sources.

#[cfg(unix)]
use crate::parent::Program;
use cancelable_core::Source;
use cancelable_signals::{Signal, ctrl_c, shutdown, signal, signals};

#[test]
fn r30_a_source_is_called_by_the_names_of_its_signals() {
    assert_eq!(ctrl_c().name(), "SIGINT");
    assert_eq!(signal(Signal::INT).name(), ctrl_c().name());
    let wanted = if cfg!(windows) {
        "SIGINT"
    } else {
        "SIGINT or SIGTERM"
    };
    assert_eq!(shutdown().name(), wanted);
    assert_eq!(signals(Signal::shutdown()).unwrap().name(), wanted);
}

#[cfg(unix)]
#[test]
fn r30_a_scope_ends_by_a_signal_and_its_cause_names_the_signal_and_the_place() {
    let term = Signal::term().unwrap();
    let mut program = Program::start("scope");
    program
        .hears("ready")
        .signal(term)
        .hears("SIGTERM")
        .hears("ready");
    program.signal(term).is_killed_by(term);
}

#[cfg(unix)]
#[test]
fn r33_a_scope_that_has_ended_gives_the_signal_back() {
    Program::start("scope_ended")
        .hears("ready")
        .signal(Signal::INT)
        .is_killed_by(Signal::INT);
}

/// At least once for the request and once for the end.
#[cfg(unix)]
#[test]
fn r33_the_log_says_where_a_signal_was_asked_for() {
    Program::start("logs")
        .hears("ready")
        .signal(Signal::INT)
        .hears("as asked for")
        .exits_with(0);
}
