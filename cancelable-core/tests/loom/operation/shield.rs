//! Shields that end beside a cancel (R22).

use crate::support::{ManualEvent, TaskQueue, Wakes, bounded, finish_after, poll_with, scope};
use cancelable_core::{Reason, Scope, Status};
use loom::thread;
use std::future::{pending, poll_fn};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::task::Poll;

#[test]
fn r22_a_cancel_beside_the_end_of_the_last_shield_is_delivered() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, event) = (scope(&queue), ManualEvent::default());
        let saved = Arc::new(AtomicBool::new(false));
        let mut run = Box::pin(scope.run(|op| {
            let (set, saved) = (event.wait(), saved.clone());
            async move {
                op.shield(async {
                    set.await;
                    saved.store(true, SeqCst);
                })
                .await;
                pending::<()>().await;
            }
        }));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let canceller = thread::spawn({
            let operation = scope.operation().clone();
            move || operation.cancel_with(Reason::Requested)
        });
        event.set();
        let seen = wakes.count();
        let early = poll_with(run.as_mut(), &wakes);
        assert!(canceller.join().unwrap());
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
        assert!(saved.load(SeqCst));
    });
}

/// A shield that another thread drops, in a body that hands it out.
#[test]
fn r22_a_shield_that_ends_on_another_thread_beside_a_cancel_holds_nothing_up() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let scope = scope(&queue);
        let out = Arc::new(Mutex::new(None));
        let mut run = Box::pin(scope.run(|op: Scope| {
            let out = out.clone();
            async move {
                let mut shield = Box::pin(op.operation().clone().shield(pending::<()>()));
                poll_fn(|cx| {
                    assert!(shield.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                *out.lock().unwrap() = Some(shield);
                pending::<()>().await;
            }
        }));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let shield = out.lock().unwrap().take();
        let dropper = thread::spawn(move || drop(shield));
        assert!(scope.cancel_with(Reason::Requested));
        let seen = wakes.count();
        let early = poll_with(run.as_mut(), &wakes);
        dropper.join().unwrap();
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
    });
}
