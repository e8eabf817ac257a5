//! Finalizers that come late, and a run that another thread takes over (R24, R47).

use crate::support::{ManualEvent, TaskQueue, Wakes, bounded, finish_after, poll_with, scope};
use cancelable_core::{Reason, Status};
use loom::thread;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// A run that no body polls, and that is polled again just as what it has open is taken over.
#[test]
fn r47_a_run_that_is_polled_beside_its_takeover_runs_its_finalizer_once() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let outer = scope(&queue);
        let inner = outer.child("inner").build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = ran.clone();
        inner
            .defer(async move {
                count.fetch_add(1, SeqCst);
            })
            .unwrap();
        let mut run = Box::pin(inner.run(|_| pending::<()>()));
        let mut around = Box::pin(outer.run(|_| pending::<()>()));
        assert!(poll_with(run.as_mut(), &Arc::default()).is_pending());
        assert!(poll_with(around.as_mut(), &wakes).is_pending());
        assert!(outer.cancel_with(Reason::Requested));
        assert!(
            poll_with(around.as_mut(), &wakes).is_pending(),
            "it waits for it"
        );
        *queue.now.lock().unwrap() += std::time::Duration::from_secs(1);
        let other = thread::spawn(move || {
            let _ = poll_with(run.as_mut(), &Arc::default());
            run
        });
        let seen = wakes.count();
        let early = poll_with(around.as_mut(), &wakes);
        let run = other.join().unwrap();
        while let Some(mut task) = queue.take() {
            assert!(poll_with(task.as_mut(), &Arc::default()).is_ready());
        }
        let outcome = finish_after(early, around.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
        assert_eq!(ran.load(SeqCst), 1);
        drop(run);
        assert_eq!(ran.load(SeqCst), 1);
    });
}

#[test]
fn r24_a_late_finalizer_runs_or_is_handed_back() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, event) = (scope(&queue), ManualEvent::default());
        let mut run = Box::pin(scope.run(|_| event.wait()));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let ran = Arc::new(AtomicBool::new(false));
        let late = thread::spawn({
            let (operation, ran) = (scope.operation().clone(), ran.clone());
            move || {
                operation
                    .defer(async move { ran.store(true, SeqCst) })
                    .is_ok()
            }
        });
        event.set();
        let polled = poll_with(run.as_mut(), &wakes);
        assert!(polled.is_ready(), "nothing of it waits");
        let deferred = late.join().unwrap();
        assert_eq!(ran.load(SeqCst), deferred);
    });
}
