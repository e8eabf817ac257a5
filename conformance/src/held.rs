//! Runs that are held and not polled. Such a run suspends no limit of an ancestor.

use crate::Subject;
use cancelable_core::{Outcome, RuntimeHandle, Scope};
use std::cell::Cell;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) {
    future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// A scope whose body sets its limit after the first poll of the run to be held.
fn open(runtime: &RuntimeHandle) -> Scope {
    Scope::builder("outer").runtime(runtime).build().unwrap()
}

/// A body with a child and a finalizer, which never completes.
async fn stay(op: Scope, finalized: Arc<AtomicBool>) {
    drop(op.spawn(future::pending::<()>()).unwrap());
    op.defer(async move { finalized.store(true, SeqCst) })
        .unwrap();
    future::pending::<()>().await;
}

fn assert_cut<T>(outcome: &Outcome<T>, finalized: &AtomicBool) {
    assert!(outcome.cause().unwrap().is_timeout());
    assert!(outcome.is_cancelled() && finalized.load(SeqCst));
    let straggler = outcome.stragglers().first().unwrap();
    assert!(straggler.is_unpolled() && straggler.name() == "inner");
}

pub fn r47_a_run_that_its_body_holds_and_does_not_poll_suspends_no_limit_above<S: Subject>() {
    S::run(async |runtime| {
        let finalized = Arc::new(AtomicBool::new(false));
        let outcome = open(&runtime).run(async |op| {
            let inner = op.child("inner").build().unwrap();
            let mut run = Box::pin(inner.run(|op| stay(op, finalized.clone())));
            poll_once(run.as_mut()).await;
            op.set_timeout(MILLISECOND).unwrap();
            runtime.sleep(HOUR).await;
        });
        assert_cut(&outcome.await, &finalized);
    });
}

pub fn r47_a_run_that_another_task_holds_and_does_not_poll_suspends_no_limit_above<S: Subject>() {
    S::run(async |runtime| {
        let finalized = Arc::new(AtomicBool::new(false));
        let outcome = open(&runtime).run(async |op| {
            let inner = op.child("inner").build().unwrap();
            let finalized = finalized.clone();
            let keep = async move {
                let mut run = Box::pin(inner.run(move |op| stay(op, finalized)));
                poll_once(run.as_mut()).await;
                Some(run)
            };
            let run = runtime.spawn(keep).await.unwrap();
            op.set_timeout(MILLISECOND).unwrap();
            // Held outside of any body.
            let kept = runtime.spawn(async move {
                let _run = run;
                future::pending::<()>().await;
            });
            kept.detach();
            future::pending::<()>().await;
        });
        assert_cut(&outcome.await, &finalized);
    });
}

pub fn r22_r47_what_is_polled_is_held_up_for<S: Subject>() {
    S::run(async |runtime| {
        let saved = Cell::new(false);
        let outcome = open(&runtime).run(async |op| {
            let inner = op.child("inner").build().unwrap();
            let outer = &op;
            let run = inner.run(async |op| {
                outer.set_timeout(MILLISECOND).unwrap();
                let save = async {
                    runtime.sleep(400 * MILLISECOND).await;
                    saved.set(true);
                };
                op.shield(save).await;
            });
            drop(run.await);
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled() && saved.get());
    });
}
