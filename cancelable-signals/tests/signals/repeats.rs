//! R45: the same signal within a short time is one request, as of `timeout -s INT`, which sends two.

use crate::parent::Program;
use cancelable_signals::Signal;

#[test]
fn r45_a_signal_that_comes_again_at_once_neither_insists_nor_ends_the_process() {
    Program::start("doubled")
        .hears("lived on")
        .hears("ready")
        .signal(Signal::INT)
        .tell("")
        .exits_with(0);
}

#[test]
fn r33_the_default_action_is_back_when_the_time_of_a_request_is_over() {
    Program::start("doubled_later").is_killed_by(Signal::INT);
}
