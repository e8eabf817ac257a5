//! The clock and its timers.

use crate::Subject;
use crate::plain::{self, on_a_thread};
use cancelable_core::runtime::Sleep;
use cancelable_core::{CancellationToken, Reason};
use std::future::{self, Future};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Polls the sleep once, which makes its timer. Requires that the sleep is not due.
async fn arm(sleep: &mut Sleep) {
    future::poll_fn(|cx| {
        assert!(Pin::new(&mut *sleep).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

pub fn r44_the_clock_never_goes_back<S: Subject>() {
    S::run(async |runtime| {
        let mut last = runtime.now();
        for n in 0..1000 {
            if n % 250 == 0 {
                runtime.sleep(MILLISECOND).await;
            }
            let now = runtime.now();
            assert!(now >= last);
            last = now;
        }
        let clock = runtime.clone();
        assert!(on_a_thread(move || clock.now()) >= last);
        assert!(runtime.now() >= last);
    });
}

pub fn r44_a_sleep_ends_at_its_time_and_not_before<S: Subject>() {
    S::run(async |runtime| {
        for millis in [0, 1, 2, 5, 20] {
            let start = runtime.now();
            let span = millis * MILLISECOND;
            runtime.sleep(span).await;
            assert!(runtime.now() - start >= span);
            let at = runtime.now() + span;
            runtime.sleep_until(at).await;
            assert!(runtime.now() >= at);
        }
    });
}

pub fn r44_a_timer_is_made_outside_the_runtime_and_awaited_inside<S: Subject>() {
    S::run(async |runtime| {
        let maker = runtime.clone();
        let mut sleep = on_a_thread(move || {
            let mut sleep = maker.sleep(HOUR);
            // The first poll, which makes the timer, is outside too.
            plain::block_on(arm(&mut sleep));
            sleep
        });
        let at = runtime.now() + MILLISECOND;
        sleep.reset(at);
        sleep.await;
        assert!(runtime.now() >= at);
    });
}

pub fn r44_a_timer_is_awaited_outside_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let sleep = runtime.sleep(2 * MILLISECOND);
        let (clock, ended) = (runtime.clone(), CancellationToken::new());
        let tell = ended.clone();
        let thread = std::thread::spawn(move || {
            let at = sleep.deadline().unwrap();
            plain::block_on(sleep);
            tell.cancel();
            assert!(clock.now() >= at);
        });
        // A manual clock advances because this task waits for it.
        while !ended.is_cancelled() {
            runtime.sleep(MILLISECOND).await;
        }
        thread.join().unwrap();
    });
}

pub fn r20_a_timer_that_is_moved_earlier_ends_then<S: Subject>() {
    S::run(async |runtime| {
        let mut sleep = runtime.sleep(HOUR);
        arm(&mut sleep).await;
        let start = runtime.now();
        sleep.reset(start + 2 * MILLISECOND);
        (&mut sleep).await;
        assert!(runtime.now() - start >= 2 * MILLISECOND);
        assert!(sleep.is_complete());
    });
}

pub fn r20_a_timer_that_is_moved_later_does_not_end_before<S: Subject>() {
    S::run(async |runtime| {
        // The first deadline is moved before it expires, or after: either way the sleep must end later.
        let mut sleep = runtime.sleep(HOUR);
        arm(&mut sleep).await;
        sleep.reset(runtime.now() + MILLISECOND);
        let later = runtime.now() + 20 * MILLISECOND;
        sleep.reset(later);
        sleep.await;
        assert!(runtime.now() >= later);
    });
}

pub fn r20_a_timer_that_has_ended_is_used_again<S: Subject>() {
    S::run(async |runtime| {
        let mut sleep = runtime.sleep(MILLISECOND);
        for _ in 0..5 {
            (&mut sleep).await;
            let next = runtime.now() + MILLISECOND;
            sleep.reset(next);
            assert!(!sleep.is_complete());
            (&mut sleep).await;
            assert!(runtime.now() >= next);
        }
        sleep.reset(runtime.now());
        sleep.await;
    });
}

pub fn r20_a_moved_timer_wakes_the_task_that_polls_it_now<S: Subject>() {
    S::run(async |runtime| {
        let mut sleep = runtime.sleep(HOUR);
        arm(&mut sleep).await;
        // This task arms the timer, and another task awaits it.
        sleep.reset(runtime.now() + MILLISECOND);
        assert!(runtime.spawn(sleep).await.is_ok());
    });
}

pub fn r20_a_time_beyond_the_clock_is_never<S: Subject>() {
    S::run(async |runtime| {
        let never = runtime.sleep(Duration::MAX);
        assert_eq!(never.deadline(), None);
        assert!(runtime.timeout(2 * MILLISECOND, never).await.is_err());
        let never = runtime.timeout(Duration::MAX, future::pending::<()>());
        assert!(runtime.timeout(2 * MILLISECOND, never).await.is_err());
    });
}

pub fn r20_a_time_that_is_a_century_away_is_a_time<S: Subject>() {
    S::run(async |runtime| {
        let far = runtime.sleep(100 * 365 * 24 * HOUR);
        assert!(far.deadline().is_some());
        let elapsed = runtime.timeout(2 * MILLISECOND, far).await.unwrap_err();
        let limit = 2 * MILLISECOND;
        assert_eq!(elapsed.reason(), &Reason::TimedOut { limit });
    });
}

pub fn r17_a_timeout_prefers_the_value<S: Subject>() {
    S::run(async |runtime| {
        let value = runtime.timeout(Duration::ZERO, async { 7 }).await;
        assert!(matches!(value, Ok(7)));
        assert!(
            runtime
                .timeout(Duration::ZERO, future::pending::<()>())
                .await
                .is_err()
        );
        // Both are ready in one poll, after a wait: the future completes when the limit has expired.
        let limit = runtime.now() + 2 * MILLISECOND;
        let clock = runtime.clone();
        let late = async move {
            clock.sleep_until(limit).await;
            7
        };
        let mut timeout = Box::pin(runtime.timeout(2 * MILLISECOND, late));
        runtime.sleep_until(limit + 2 * MILLISECOND).await;
        assert!(matches!(timeout.as_mut().await, Ok(7)));
    });
}

pub fn r44_a_thousand_timers_all_end<S: Subject>() {
    S::run(async |runtime| {
        let tasks: Vec<_> = (0..1000_u32)
            .map(|n| runtime.spawn(runtime.sleep(n % 10 * MILLISECOND)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
