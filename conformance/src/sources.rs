//! Sources: the cancel of a scope, and sources that do not delay its end.

use crate::Subject;
use cancelable_core::source::{self, Limit, Source};
use cancelable_core::{CancellationToken, Cause, Reason, RuntimeHandle, Scope};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs a body that never completes in a scope with this source, and returns the cause of the end.
async fn ended_by(runtime: &RuntimeHandle, source: impl Source) -> Cause {
    let scope = Scope::builder("watched")
        .runtime(runtime)
        .source(source)
        .build()
        .unwrap();
    scope
        .run(|_| future::pending::<Infallible>())
        .await
        .cause()
        .unwrap()
        .clone()
}

/// A condition that is true at its third evaluation.
fn at_the_third_time() -> (Arc<AtomicU32>, impl FnMut() -> bool + Send + 'static) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    (asked, move || count.fetch_add(1, Ordering::SeqCst) == 2)
}

pub fn r30_a_condition_cancels<S: Subject>() {
    S::run(async |runtime| {
        let (asked, ask) = at_the_third_time();
        let cause = ended_by(&runtime, source::condition(MILLISECOND, ask).unwrap()).await;
        assert_eq!(*cause.reason(), Reason::Condition);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    });
}

pub fn r30_an_async_condition_cancels<S: Subject>() {
    S::run(async |runtime| {
        let (asked, mut ask) = at_the_third_time();
        let clock = runtime.clone();
        let ask = move || {
            let answer = ask();
            let sleep = clock.sleep(MILLISECOND);
            async move {
                sleep.await;
                answer
            }
        };
        let cause = ended_by(&runtime, source::condition_async(MILLISECOND, ask).unwrap()).await;
        assert_eq!(*cause.reason(), Reason::Condition);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    });
}

pub fn r30_a_blocking_condition_cancels<S: Subject>() {
    S::run(async |runtime| {
        let (asked, ask) = at_the_third_time();
        let cause = ended_by(
            &runtime,
            source::condition_blocking(MILLISECOND, ask).unwrap(),
        )
        .await;
        assert_eq!(*cause.reason(), Reason::Condition);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    });
}

pub fn r30_a_future_cancels_with_its_cause<S: Subject>() {
    S::run(async |runtime| {
        let task = runtime.spawn(async { "the line went dead" });
        let source = source::future(async move { task.await.unwrap() });
        let cause = ended_by(&runtime, source).await;
        assert_eq!(*cause.reason(), Reason::Source);
        assert_eq!(cause.message(), Some("the line went dead"));
    });
}

pub fn r30_a_token_cancels_with_its_cause<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let source = source::token(&token);
        runtime
            .spawn(async move { token.cancel_with("deploy") })
            .detach();
        let cause = ended_by(&runtime, source).await;
        assert_eq!(
            (cause.message(), cause.is_inherited()),
            (Some("deploy"), true)
        );
    });
}

pub fn r30_any_of_and_all_of_nest_limits_too<S: Subject>() {
    S::run(async |runtime| {
        let start = runtime.now();
        let (_, ask) = at_the_third_time();
        let both = source::all_of(Limit::after(5 * MILLISECOND))
            .and(source::condition(MILLISECOND, ask).unwrap());
        let either = source::any_of(Limit::after(HOUR)).or(both);
        ended_by(&runtime, either).await;
        assert!(runtime.now() - start >= 5 * MILLISECOND);

        let never = source::future(future::pending::<()>());
        let first = source::any_of(never).or(Limit::after(MILLISECOND));
        let limit = MILLISECOND;
        let cause = ended_by(&runtime, first).await;
        assert_eq!(*cause.reason(), Reason::TimedOut { limit });
    });
}

pub fn r31_a_condition_that_panics_or_fails_is_asked_again<S: Subject>() {
    S::run(async |runtime| {
        let answers = || {
            let mut turn = 0;
            move || {
                turn += 1;
                match turn {
                    1 => Err("not reachable"),
                    2 => panic!("a condition"),
                    _ => Ok(true),
                }
            }
        };
        let mut ask = answers();
        let ask_async = move || {
            let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut ask));
            async move { answer.unwrap_or_else(|payload| std::panic::resume_unwind(payload)) }
        };
        for source in [
            source::condition(MILLISECOND, answers()),
            source::condition_async(MILLISECOND, ask_async),
            source::condition_blocking(MILLISECOND, answers()),
        ] {
            assert_eq!(
                *ended_by(&runtime, source).await.reason(),
                Reason::Condition
            );
        }
    });
}

/// The scope ends while the call hangs. The call returns only after that end.
pub fn r31_a_condition_that_never_returns_keeps_nobody<S: Subject>() {
    S::run(async |runtime| {
        let (release, released) = mpsc::channel::<()>();
        let (enter, entered) = mpsc::channel();
        let hangs = move || {
            enter.send(()).unwrap();
            released.recv().is_err()
        };
        let scope = Scope::builder("hanging")
            .runtime(&runtime)
            .source(source::condition_blocking(MILLISECOND, hangs).unwrap())
            .build()
            .unwrap();
        let outcome = scope.run(async |_| {
            // The body ends only after the start of the call.
            runtime
                .spawn_blocking(move || entered.recv().unwrap())
                .await
                .unwrap();
            7
        });
        assert_eq!(outcome.await.into_value(), Some(7));
        drop(release);
    });
}

/// More calls hang than any runtime starts threads at once, and a later call returns.
pub fn r31_looks_that_never_return_take_no_others_place<S: Subject>() {
    S::run(async |runtime| {
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        for _ in 0..24 {
            let released = Arc::clone(&released);
            let hangs = move || released.lock().recv().is_err();
            runtime.spawn_probe(hangs).detach();
        }
        assert!(matches!(runtime.spawn_probe(|| 7).await, Ok(7)));
        drop(release);
    });
}
