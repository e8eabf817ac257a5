//! The stop signal, the grace period and the kill.

use crate::kit::{GRACE, SLOW, STUBBORN, Talk, shell, until_stopped};
use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use cancelable_process::StopSignal;
use std::time::Duration;

#[test]
fn r23_it_is_asked_and_killed_when_its_grace_is_over_and_not_before() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(STUBBORN), &manual, &token);
    token.cancel_with("stop");
    talk.hear("asked");
    manual.advance(GRACE - Duration::from_nanos(1));
    talk.assert_alive();
    assert!(process.try_wait().is_none());
    manual.advance(Duration::from_nanos(1));
    let outcome = process.wait_blocking().unwrap();
    assert_eq!(outcome.code(), 137);
    assert!(outcome.was_killed());
    assert_eq!(outcome.cause().unwrap().message(), Some("stop"));
    assert!(outcome.check().unwrap_err().is_cancelled());
}

#[test]
fn r18_one_that_exits_with_0_after_it_was_asked_was_asked() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(SLOW), &manual, &token);
    token.cancel_with("stop");
    talk.hear("asked");
    talk.say("go");
    assert_eq!(talk.rest(), "bye\n");
    let outcome = process.wait_blocking().unwrap();
    assert!(outcome.status().success());
    assert!(!outcome.is_success());
    assert!(!outcome.was_killed());
    let failed = outcome.check().unwrap_err();
    assert!(failed.is_cancelled());
    let text = failed.to_string();
    assert!(
        text.starts_with("sh was cancelled (exit status: 0): cancel requested: stop"),
        "{text}"
    );
}

#[test]
fn r28_the_timer_goes_with_the_process() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(SLOW), &manual, &token);
    token.cancel();
    talk.hear("asked");
    manual.run_until_idle();
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (1, 1));
    talk.say("go");
    drop(process.wait_blocking());
    // The watching thread may still be about to wake the task. The time stands still, so it is not
    // the timer that ends it.
    while manual.live_tasks() > 0 {
        manual.run_until_idle();
    }
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r23_without_grace_it_is_killed_at_once() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = shell(STUBBORN).grace(Duration::ZERO);
    let (process, mut talk) = Talk::start(script, &manual, &token);
    token.cancel();
    assert_eq!(talk.rest(), "", "it was not asked");
    assert!(process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r20_a_grace_beyond_the_clock_never_ends() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = shell(STUBBORN).grace(Duration::MAX);
    let (process, mut talk) = Talk::start(script, &manual, &token);
    token.cancel();
    talk.hear("asked");
    manual.advance(Duration::from_secs(1 << 40));
    talk.assert_alive();
    assert_eq!(manual.pending_timers(), 0);
    assert!(process.kill());
    let outcome = process.wait_blocking().unwrap();
    assert!(outcome.was_killed());
    assert!(!process.kill(), "it has ended");
}

#[test]
fn r23_a_runtime_that_goes_away_in_the_grace_kills() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(STUBBORN), &manual, &token);
    token.cancel();
    talk.hear("asked");
    manual.shut_down();
    assert!(process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r23_a_runtime_that_is_gone_cannot_measure_grace_and_kills() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, _talk) = Talk::start(shell(STUBBORN), &manual, &token);
    manual.shut_down();
    token.cancel();
    assert!(process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r23_another_signal_asks() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = "trap 'echo asked; exit 3' QUIT; echo ready; while :; do :; done";
    let script = shell(script).stop_signal("QUIT".parse::<StopSignal>().unwrap());
    let (process, mut talk) = Talk::start(script, &manual, &token);
    token.cancel();
    talk.hear("asked");
    assert_eq!(process.wait_blocking().unwrap().code(), 3);
}

#[test]
fn r23_asking_with_sigkill_is_a_kill() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = shell(STUBBORN).stop_signal("KILL".parse::<StopSignal>().unwrap());
    let (process, _talk) = Talk::start(script, &manual, &token);
    token.cancel();
    assert!(process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r23_one_that_is_stopped_hears_the_request() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let script = "trap 'echo asked; exit' TERM; echo ready; kill -STOP $$; while :; do :; done";
    let (process, mut talk) = Talk::start(shell(script), &manual, &token);
    until_stopped(&process);
    token.cancel();
    assert_eq!(talk.rest(), "asked\n");
    assert!(!process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r01_who_asks_first_is_on_record_and_asks_once() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(STUBBORN), &manual, &token);
    assert!(process.terminate("first"));
    talk.hear("asked");
    assert!(!process.terminate("second"));
    token.cancel_with("third");
    // Not asked again: the next that is heard is the answer.
    talk.assert_alive();
    process.kill();
    let outcome = process.wait_blocking().unwrap();
    assert_eq!(outcome.cause().unwrap().message(), Some("first"));
}

#[test]
fn r28_dropping_the_handle_asks_and_then_kills() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(STUBBORN), &manual, &token);
    drop(process);
    talk.hear("asked");
    talk.assert_alive();
    manual.advance(GRACE);
    assert_eq!(talk.rest(), "", "it has ended");
}

#[test]
fn r28_one_that_was_detached_goes_on_and_still_hears_its_token() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(STUBBORN), &manual, &token);
    process.detach();
    talk.assert_alive();
    token.cancel();
    talk.hear("asked");
    manual.advance(GRACE);
    assert_eq!(talk.rest(), "", "it has ended");
}

#[test]
fn a_signal_that_is_no_request_is_sent() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(SLOW), &manual, &token);
    let hup: StopSignal = "HUP".parse().unwrap();
    assert!(process.signal(hup));
    talk.hear("again");
    talk.say("go");
    let outcome = process.wait_blocking().unwrap();
    assert!(outcome.is_success());
    assert!(!process.signal(hup), "it has ended");
}

#[test]
fn dropping_a_wait_changes_nothing() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let (process, mut talk) = Talk::start(shell(SLOW), &manual, &token);
    drop(process.wait());
    talk.say("go");
    assert_eq!(talk.rest(), "bye\n", "it was not asked");
    assert!(process.wait_blocking().unwrap().is_success());
}
