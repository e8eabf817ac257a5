//! Cancels that come at a set time, or at a set poll.

use crate::support::SECOND;
use cancelable_core::testing::{ManualRuntime, cancel_at, cancel_at_poll, cancel_in};
use cancelable_core::{CancellationToken, Reason};
use std::cell::Cell;
use std::future::{pending, ready};
use std::time::Duration;

#[test]
fn r44_a_cancel_comes_at_its_time_with_its_place() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    let at = manual.now() + 3 * SECOND;
    let line = line!() + 1;
    cancel_at(&manual, &token, at);
    manual.advance(3 * SECOND - Duration::from_nanos(1));
    assert!(!token.is_cancelled());
    manual.advance(Duration::from_nanos(1));
    let cause = token.cause().unwrap();
    assert_eq!(
        (cause.reason(), cause.time()),
        (&Reason::Requested, Some(at))
    );
    let place = cause.location();
    assert_eq!((place.file(), place.line()), (file!(), line));
}

#[test]
fn r44_a_cancel_comes_before_what_waits_for_the_same_time() {
    let manual = ManualRuntime::new();
    let (runtime, token) = (manual.handle(), CancellationToken::new());
    // One timer is made before, one after: what they wake runs when the time has moved.
    let early = runtime.spawn({
        let (sleep, token) = (runtime.sleep(SECOND), token.clone());
        async move {
            sleep.await;
            token.is_cancelled()
        }
    });
    manual.run_until_idle();
    cancel_in(&manual, &token, SECOND);
    assert_eq!((manual.pending_timers(), manual.live_tasks()), (2, 1));
    let late = manual.block_on(async {
        runtime.sleep(SECOND).await;
        token.is_cancelled()
    });
    assert!(late && manual.block_on(early).unwrap());
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r44_a_time_that_is_past_cancels_at_once_and_one_beyond_the_clock_never() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    cancel_in(&manual, &token, Duration::MAX);
    manual.advance(Duration::MAX);
    assert_eq!((token.is_cancelled(), manual.pending_timers()), (false, 0));
    cancel_at(&manual, &token, manual.now());
    assert!(token.is_cancelled());
}

#[test]
fn r44_a_cancel_comes_before_the_nth_poll() {
    for n in 0..6 {
        let manual = ManualRuntime::new();
        let (runtime, token) = (manual.handle(), CancellationToken::new());
        let slept = Cell::new(0);
        let line = line!() + 1;
        let work = cancel_at_poll(n, &token, async {
            for _ in 0..3 {
                if token.is_cancelled() {
                    return;
                }
                runtime.sleep(SECOND).await;
                slept.set(slept.get() + 1);
            }
        });
        manual.block_on(work);
        assert_eq!(slept.get(), n.saturating_sub(1).min(3), "poll {n}");
        // There are four polls: one at first, and one after each sleep.
        let place = token.cause().map(|cause| cause.location().line());
        assert_eq!(place, (n <= 4).then_some(line), "poll {n}");
    }
}

#[test]
fn r44_a_future_that_is_ready_earlier_cancels_nothing() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    manual.block_on(cancel_at_poll(2, &token, ready(())));
    assert!(!token.is_cancelled());
    // A cancel at the first poll finds nothing polled yet.
    let never = token.run_until_cancelled(pending::<()>());
    assert_eq!(manual.block_on(cancel_at_poll(1, &token, never)), None);
}
