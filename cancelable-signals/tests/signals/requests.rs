//! R45: a request that a source has received is recorded in the scope, or is served again.

use crate::parent::Program;
use cancelable_signals::Signal;
use std::os::unix::process::ExitStatusExt;

fn signalled(program: &str) -> Program {
    let mut program = Program::start(program);
    program.hears("ready").signal(Signal::INT);
    program
}

#[test]
fn r18_r45_a_signal_in_the_last_poll_of_a_body_is_on_record() {
    signalled("last_poll").hears("SIGINT").exits_with(0);
    signalled("last_poll_of_any").hears("SIGINT").exits_with(0);
}

#[test]
fn r45_the_last_of_a_group_decides_for_it_in_the_last_poll_and_the_others_are_answered() {
    let (mut program, term) = (signalled("last_poll_of_all"), Signal::term().unwrap());
    let last = program.signal(term).next();
    // Whichever is read last.
    assert!(["SIGINT", "SIGTERM"].contains(&&*last), "{last}");
    program.exits_with(0);
}

#[test]
fn r46_check_sees_a_signal_although_nobody_polls_the_run() {
    signalled("check").hears("SIGINT").exits_with(0);
}

#[test]
fn r45_a_signal_is_on_record_although_the_run_is_dropped_before_its_next_poll() {
    signalled("selected_away").hears("SIGINT").exits_with(0);
}

#[test]
fn r33_r45_the_first_signal_lets_a_finalizer_finish_and_is_on_record_and_the_second_ends_the_program()
 {
    signalled("finalizer")
        .hears("cleaned")
        .hears("SIGINT")
        .hears("ready")
        .signal(Signal::INT)
        .is_killed_by(Signal::INT);
}

#[test]
fn r45_a_signal_to_a_scope_that_stops_for_something_else_is_served_again_when_it_has_ended() {
    for program in ["finalizer_after_a_cancel", "finalizer_of_a_dropped_run"] {
        let mut program = signalled(program);
        program.tell("go on").hears("cleaned");
        program.is_killed_by(Signal::INT);
    }
}

#[test]
fn r45_a_signal_that_one_scope_has_on_record_is_not_served_again_for_another() {
    let mut program = signalled("nested");
    program.hears("SIGINT").hears("SIGINT").tell("go on");
    program.exits_with(0);
}

#[test]
fn r45_a_signal_to_a_source_that_is_dropped_before_it_gives_its_cause_is_served_again() {
    let mut program = signalled("group_not_fired");
    program.tell("go on").hears("done");
    program.is_killed_by(Signal::INT);
    // By the last look, where it has come by then.
    let mut program = signalled("wrapped");
    program.tell("go on").hears("done");
    let (said, status) = program.end();
    match status.code() {
        Some(code) => assert_eq!((code, &*said), (0, &["SIGINT".to_string()][..])),
        None => assert_eq!(
            (status.signal(), said),
            (Some(Signal::INT.number()), Vec::new())
        ),
    }
}

#[test]
fn r32_a_source_of_a_user_reports_a_signal_that_it_watches_by_another() {
    signalled("wrapped_and_polled")
        .hears("SIGINT")
        .exits_with(0);
}
