//! Children that come and leave beside the end of their scope (R25).

use crate::support::{
    ManualEvent, TaskQueue, Wakes, bounded, finish, finish_after, poll_with, scope,
};
use cancelable_core::runtime::Task;
use cancelable_core::{Scope, Status};
use loom::thread;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A scope inside `above` that something was deferred to, which goes on when it is dropped.
fn leaving(above: &Scope) -> Scope {
    let scope = Scope::builder("inside").parent(above).build().unwrap();
    scope.defer(async {}).unwrap();
    scope
}

fn run_to_end(task: Option<Task>) {
    let mut task = task.expect("it goes on on the runtime");
    assert!(poll_with(task.as_mut(), &Arc::default()).is_ready());
}

/// They are dropped and not polled there: what is current is kept in the thread's own storage, which
/// the threads of a model share.
#[test]
fn r25_children_that_leave_while_they_are_joined_are_not_missed() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let scope = Scope::builder("model").detached().collect_all();
        let scope = scope.runtime(&queue.handle()).build().unwrap();
        let mut run = Box::pin(scope.run(|op| async move {
            for _ in 0..2 {
                op.spawn(async {}).unwrap();
            }
        }));
        let polled = poll_with(run.as_mut(), &wakes);
        assert!(polled.is_pending(), "two children have not ended");
        let others: Vec<_> = std::iter::from_fn(|| queue.take())
            .map(|task| thread::spawn(move || drop(task)))
            .collect();
        // While they leave.
        let seen = wakes.count();
        let early = poll_with(run.as_mut(), &wakes);
        for other in others {
            other.join().unwrap();
        }
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Completed);
        assert_eq!(outcome.child_failures().len(), 2);
    });
}

#[test]
fn r25_a_child_that_comes_beside_the_end_is_joined_or_refused() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, event) = (scope(&queue), ManualEvent::default());
        let mut run = Box::pin(scope.run(|_| event.wait()));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let late = thread::spawn({
            let scope = scope.clone();
            move || scope.spawn(async {}).is_ok()
        });
        event.set();
        let seen = wakes.count();
        let early = poll_with(run.as_mut(), &wakes);
        let spawned = late.join().unwrap();
        let child = queue.take();
        assert_eq!(child.is_some(), spawned);
        match early {
            Poll::Ready(_) => assert!(!spawned, "the run has returned without its child"),
            Poll::Pending => {
                if let Some(mut child) = child {
                    let polled = child.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(polled.is_ready());
                }
                assert_eq!(
                    finish(run.as_mut(), &wakes, seen).status(),
                    Status::Completed
                );
            }
        }
    });
}

/// A scope is dropped that was not run: a run that is dropped would put its operation in place, see
/// above.
#[test]
fn r25_an_orphan_that_comes_beside_the_end_is_joined_or_goes_to_the_scope_above() {
    bounded(|| {
        let queue = TaskQueue::new();
        let (wakes, event) = (Arc::new(Wakes::default()), ManualEvent::default());
        let above = scope(&queue);
        let outer = Scope::builder("model").parent(&above).build().unwrap();
        let mut run = Box::pin(outer.run(|_| event.wait()));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let inside = leaving(&outer);
        let other = thread::spawn(move || drop(inside));
        event.set();
        let seen = wakes.count();
        let early = poll_with(run.as_mut(), &wakes);
        other.join().unwrap();
        let left = queue.take();
        let operation = above.operation().clone();
        if early.is_pending() {
            run_to_end(left);
            let outcome = finish(run.as_mut(), &wakes, seen);
            assert_eq!(outcome.status(), Status::Completed);
            drop(above);
            let closed = operation.finished();
            assert!(poll_with(Box::pin(closed).as_mut(), &wakes).is_ready());
            return;
        }
        drop(above);
        let mut closed = Box::pin(operation.finished());
        assert!(
            poll_with(closed.as_mut(), &wakes).is_pending(),
            "nobody waits for what was left"
        );
        let above = queue.take();
        run_to_end(left);
        run_to_end(above);
        assert!(poll_with(closed.as_mut(), &wakes).is_ready());
    });
}

#[test]
fn r25_an_orphan_that_comes_beside_the_join_is_joined_or_runs_by_itself() {
    bounded(|| {
        let queue = TaskQueue::new();
        let wakes = Arc::new(Wakes::default());
        let scope = scope(&queue);
        let mut run = Box::pin(scope.run(|op| async move { drop(leaving(&op)) }));
        assert!(poll_with(run.as_mut(), &wakes).is_pending());
        let first = queue.take();
        let second = leaving(&scope);
        let other = thread::spawn(move || drop(second));
        let seen = wakes.count();
        run_to_end(first);
        let early = poll_with(run.as_mut(), &wakes);
        other.join().unwrap();
        run_to_end(queue.take());
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Completed);
    });
}
