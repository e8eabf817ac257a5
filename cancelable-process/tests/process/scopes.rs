//! Processes that belong to a scope.

use crate::kit::{GRACE, SLOW, STUBBORN, Talk, shell};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Scope, Status};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

fn scope(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("work").runtime(&manual.handle());
    builder.build().unwrap()
}

/// Answers the request from another thread, so that the end of the scope is what waits for it. The
/// last words are then in the pipe.
fn answering(mut talk: Talk) -> thread::JoinHandle<Talk> {
    thread::spawn(move || {
        talk.hear("asked");
        talk.say("go");
        talk
    })
}

#[test]
fn r25_the_scope_ends_after_the_process_when_it_is_cancelled() {
    let manual = ManualRuntime::new();
    let _hold = manual.hold_time();
    let mut answer = None;
    let outcome = manual.block_on(scope(&manual).run(async |op| {
        let (process, talk) = Talk::in_scope(shell(SLOW), &op);
        answer = Some(answering(talk));
        op.cancel_with("stop");
        process.wait().await.unwrap()
    }));
    assert_eq!(outcome.status(), Status::Cancelled);
    assert!(outcome.cleanup_errors().is_empty());
    let mut talk = answer.unwrap().join().unwrap();
    assert!(talk.waiting() > 0, "the scope ended first");
    assert_eq!(talk.rest(), "bye\n");
}

#[test]
fn r25_the_scope_ends_after_the_process_when_the_body_returns() {
    let manual = ManualRuntime::new();
    let _hold = manual.hold_time();
    let mut answer = None;
    let outcome = manual.block_on(scope(&manual).run(async |op| {
        let (process, talk) = Talk::in_scope(shell(SLOW), &op);
        answer = Some(answering(talk));
        process.detach();
    }));
    assert_eq!(outcome.status(), Status::Completed);
    let mut talk = answer.unwrap().join().unwrap();
    assert!(talk.waiting() > 0, "the scope ended first");
    assert_eq!(talk.rest(), "bye\n");
}

#[test]
fn r24_a_cleanup_budget_bounds_the_wait_and_the_kill_still_comes() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("work")
        .runtime(&manual.handle())
        .cleanup_budget(Duration::from_secs(1))
        .build()
        .unwrap();
    let mut talk = None;
    // The time moves to the end of the budget, for nothing else is there to do.
    let outcome = manual.block_on(scope.run(async |op| {
        talk = Some(Talk::in_scope(shell(STUBBORN), &op));
    }));
    assert_eq!(outcome.stragglers().len(), 1);
    let (process, mut talk) = talk.unwrap();
    talk.hear("asked");
    talk.assert_alive();
    manual.advance(GRACE);
    assert!(process.wait_blocking().unwrap().was_killed());
}

#[test]
fn r23_a_body_with_grace_sees_how_it_ended() {
    let manual = ManualRuntime::new();
    let _hold = manual.hold_time();
    let scope = Scope::builder("work")
        .runtime(&manual.handle())
        .grace(Duration::MAX)
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |op| {
        let (process, talk) = Talk::in_scope(shell(SLOW), &op);
        let answer = answering(talk);
        op.cancel_with("stop");
        let ended = process.wait().await.unwrap();
        drop(answer.join());
        ended
    }));
    assert_eq!(outcome.status(), Status::Completed);
    let ended = outcome.into_value().unwrap();
    assert_eq!(ended.cause().unwrap().message(), Some("stop"));
    assert!(ended.status().success() && !ended.was_killed());
}

#[test]
fn r28_a_run_that_is_dropped_asks_the_process() {
    let manual = ManualRuntime::new();
    let mut talk = None;
    let scope = scope(&manual);
    let mut run = Box::pin(scope.run(async |op| {
        let (process, own) = Talk::in_scope(shell(SLOW), &op);
        talk = Some(own);
        process.wait().await.unwrap()
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    drop(run);
    let mut talk = talk.unwrap();
    talk.hear("asked");
    talk.say("go");
    assert_eq!(talk.rest(), "bye\n");
}

#[test]
fn r19_nothing_is_started_in_a_cancelled_scope() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("work")
        .runtime(&manual.handle())
        .grace(GRACE)
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |op| {
        op.cancel_with("over");
        let error = shell("exit").spawn(&op).unwrap_err();
        let cause = error.cancellation().unwrap().cause();
        assert_eq!(cause.message(), Some("over"));
        let error = shell("exit").output(&op).await.unwrap_err();
        assert!(error.cancellation().is_some());
    }));
    assert_eq!(outcome.status(), Status::Completed);
}
