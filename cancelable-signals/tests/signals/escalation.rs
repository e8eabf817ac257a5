//! R33: the first signal requests a stop, the second insists, and a third takes the default action.

use crate::parent::Program;
use cancelable_signals::Signal;

#[test]
fn r33_the_first_asks_the_second_insists_a_third_takes_the_default_action() {
    let mut program = Program::start("escalation");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("asked-SIGINT")
        .hears("ready");
    // Different signals count together.
    program
        .signal(Signal::term().unwrap())
        .hears("insisted-SIGTERM")
        .hears("ready");
    program.signal(Signal::INT).is_killed_by(Signal::INT);
}

#[test]
fn r23_r33_the_first_gives_a_scope_its_grace_and_the_second_ends_that() {
    let mut program = Program::start("grace");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("asked-SIGINT")
        .hears("ready")
        .signal(Signal::term().unwrap())
        .hears("ended-SIGINT")
        .hears("ready")
        .signal(Signal::INT)
        .is_killed_by(Signal::INT);
}

#[test]
fn r33_a_scope_that_is_insisted_on_at_first_is_cancelled_by_the_signal() {
    Program::start("at_once")
        .hears("ready")
        .signal(Signal::INT)
        .hears("SIGINT")
        .exits_with(0);
}

#[test]
fn r33_work_that_hangs_does_not_hold_up_the_next_signals() {
    let mut program = Program::start("hung");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("hanging")
        .hears("ready");
    program.signal(Signal::INT).hears("insisted").hears("ready");
    program.signal(Signal::INT).is_killed_by(Signal::INT);
}

#[test]
fn r33_without_a_second_step_the_second_signal_takes_the_default_action() {
    let mut program = Program::start("second_kills");
    let term = Signal::term().unwrap();
    program
        .hears("ready")
        .signal(term)
        .hears("asked")
        .hears("ready")
        .signal(term)
        .is_killed_by(term);
}

#[test]
fn r33_each_step_can_be_configured() {
    let mut program = Program::start("custom_steps");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("one-SIGINT")
        .hears("ready");
    // The second is swallowed. Were it merged with the third, the third would not be heard.
    let term = Signal::term().unwrap();
    program.signal(term).signal(Signal::INT);
    let third = program.next();
    assert!(third.starts_with("more-"), "{third}");
    program
        .hears("ready")
        .signal(term)
        .hears("more-SIGTERM")
        .hears("ready")
        .tell("")
        .exits_with(0);
}

#[test]
fn r33_a_step_that_panics_leaves_the_next_one_served() {
    let mut program = Program::start("panicking_step");
    program
        .hears("ready")
        .signal(Signal::INT)
        .hears("ready")
        .signal(Signal::INT)
        .hears("served")
        .exits_with(0);
}

#[test]
fn r33_signals_at_an_action_that_hangs_cost_no_thread_each() {
    let mut program = Program::start("hung_action");
    program.hears("ready");
    for count in 1..=100 {
        program.signal(Signal::INT).hears(&count.to_string());
    }
    program.tell("");
    let threads: usize = program.next().parse().unwrap();
    // The harness of the test has two, the reader is one, and the hung action another; the rest serve.
    assert!(threads < 20, "{threads} threads");
    program.exits_with(0);
}
