//! R33: a signal that races with the last source is delivered or takes the default action.

use crate::parent::Program;
use cancelable_signals::Signal;
use std::os::unix::process::ExitStatusExt;

#[test]
fn r33_a_signal_that_races_with_the_last_watcher_is_never_lost() {
    let (mut delivered, mut taken) = (0, 0);
    for round in 0..100 {
        let mut program = Program::start("race");
        program.hears("ready");
        // Sent before the watcher is told to go, or after, with more or less time between.
        let spins = round % 10 * 100;
        match round % 2 {
            0 => program.tell(spins).signal(Signal::INT),
            _ => program.signal(Signal::INT).tell(spins),
        };
        // A signal that is lost leaves the program alive, which `end` reports.
        let (said, status) = program.end();
        match (said.as_slice(), status.code(), status.signal()) {
            ([line], Some(0), None) if line == "delivered" => delivered += 1,
            ([], None, Some(signal)) if signal == Signal::INT.number() => taken += 1,
            other => panic!("round {round}: {other:?}"),
        }
    }
    println!("{delivered} delivered, {taken} took the default action");
    assert_eq!(delivered + taken, 100);
}
