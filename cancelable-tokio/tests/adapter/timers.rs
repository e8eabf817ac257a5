//! Spare timers for the next run, on a runtime whose clock cannot be paused.

use cancelable_core::{RuntimeHandle, Scope};
use cancelable_tokio as rt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::coop::consume_budget;

const HOUR: Duration = Duration::from_secs(3600);

struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

fn limited(runtime: &RuntimeHandle, limit: Duration) -> Scope {
    let scope = Scope::builder("limited").runtime(runtime).timeout(limit);
    scope.build().unwrap()
}

/// Runs a scope that waits once, under `waker`.
fn run_once(runtime: &RuntimeHandle, waker: &Waker) {
    let mut polls = 0;
    let scope = limited(runtime, HOUR);
    let mut run = pin!(scope.run(|_| poll_fn(move |_| {
        polls += 1;
        match polls {
            1 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })));
    let mut context = Context::from_waker(waker);
    assert!(run.as_mut().poll(&mut context).is_pending());
    assert!(run.as_mut().poll(&mut context).is_ready());
}

fn several_threads() -> tokio::runtime::Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_time().build().unwrap()
}

#[test]
fn r12_a_timer_that_is_kept_forgets_whom_it_would_wake() {
    let tokio = several_threads();
    let _inside = tokio.enter();
    let runtime = rt::current().unwrap();
    let idle = Arc::new(Idle);
    let waker = Waker::from(Arc::clone(&idle));
    run_once(&runtime, &waker);
    assert_eq!(
        Arc::strong_count(&idle),
        2,
        "this waker, and none that is kept"
    );
}

#[test]
fn r20_a_timer_that_was_kept_rings_at_the_deadline_of_the_run_that_has_it() {
    let tokio = several_threads();
    tokio.block_on(async {
        let runtime = rt::current().unwrap();
        run_once(&runtime, Waker::noop());
        // Earlier than the time of the spare timer, then later, then earlier.
        for limit in [1, 5, 2] {
            let limit = Duration::from_millis(limit);
            let start = runtime.now();
            let outcome = limited(&runtime, limit).run(|_| pending::<()>()).await;
            assert!(outcome.is_cancelled());
            assert!(runtime.now() - start >= limit);
        }
    });
}

#[test]
fn r28_a_run_that_outlives_its_runtime_is_dropped_in_peace() {
    let tokio = several_threads();
    let runtime = tokio.block_on(async { rt::current().unwrap() });
    let scope = limited(&runtime, HOUR);
    let mut run = Box::pin(scope.run(|_| pending::<()>()));
    let mut context = Context::from_waker(Waker::noop());
    let inside = tokio.enter();
    assert!(run.as_mut().poll(&mut context).is_pending());
    run_once(&runtime, Waker::noop());
    drop(inside);
    drop(tokio);
    drop(run);
    assert!(scope.is_cancelled());
}

#[test]
fn r12_a_timer_is_forgotten_also_by_a_task_whose_budget_is_spent() {
    let tokio = several_threads();
    let idle = Arc::new(Idle);
    let runtime = tokio.block_on(async { rt::current().unwrap() });
    tokio.block_on(async {
        let scope = limited(&runtime, HOUR);
        let mut spent = false;
        let mut run = pin!(scope.run(|_| poll_fn(move |context| {
            // From then on Tokio's own resources return pending, until the task yields.
            while spent && pin!(consume_budget()).poll(context).is_ready() {}
            match std::mem::replace(&mut spent, true) {
                false => Poll::Pending,
                true => Poll::Ready(()),
            }
        })));
        let waker = Waker::from(Arc::clone(&idle));
        let mut context = Context::from_waker(&waker);
        assert!(run.as_mut().poll(&mut context).is_pending());
        assert!(run.as_mut().poll(&mut context).is_ready());
    });
    assert_eq!(Arc::strong_count(&idle), 1, "the kept timer has none");
}
