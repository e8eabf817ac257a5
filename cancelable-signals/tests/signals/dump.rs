//! R35: the dump of open operations at a signal.

use crate::parent::Program;
use cancelable_signals::Signal;

#[test]
fn r35_a_signal_prints_what_is_open_as_often_as_it_comes_and_the_process_goes_on() {
    let usr1: Signal = "SIGUSR1".parse().unwrap();
    let mut program = Program::start("dumps");
    program.hears("ready");
    for _ in 0..2 {
        program
            .signal(usr1)
            .hears("2 operations are open")
            .hears("outer: pending; not run yet")
            .hears("  inner: pending; not run yet");
    }
    program
        .tell("")
        .hears("dropped")
        .signal(usr1)
        .is_killed_by(usr1);
}
