//! The winner of a cancel, its cause, and the order in which other threads see them (R1 to R4, R9).

use crate::support::{bounded, poll, wait_on};
use cancelable_core::{CancellationToken, Cause, Reason};
use loom::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// A waker that calls its function.
struct Act<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> Wake for Act<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// An error that calls its function when dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<F: Fn()> std::fmt::Debug for OnDrop<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnDrop")
    }
}

impl<F: Fn()> std::fmt::Display for OnDrop<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an error")
    }
}

impl<F: Fn()> std::error::Error for OnDrop<F> {}

#[test]
fn r01_two_cancels_and_one_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let other = thread::spawn({
            let child = child.clone();
            move || child.cancel_with("other")
        });
        let parent = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("root")
        });
        let mine = child.cancel_with("mine");
        let seen = child.cause().unwrap();
        let (others, roots) = (other.join().unwrap(), parent.join().unwrap());
        assert!(roots);
        assert!(!(mine && others), "two callers cancelled one token");
        let expected = match (mine, others) {
            (true, _) => ("mine", false),
            (_, true) => ("other", false),
            _ => ("root", true),
        };
        let last = child.cause().unwrap();
        assert_eq!((last.message().unwrap(), last.is_inherited()), expected);
        // R2: the first cause that was seen never changes.
        assert!(seen.is_same(&last));
    });
}

#[test]
fn r02_a_cause_once_seen_does_not_change() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let reader = thread::spawn({
            let child = child.clone();
            move || {
                let first = child.cause();
                let then = child.is_cancelled();
                assert!(
                    first.is_none() || then,
                    "cancelled, and later not cancelled"
                );
                first
            }
        });
        let parent = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("root")
        });
        child.cancel_with("mine");
        if let Some(first) = reader.join().unwrap() {
            assert!(first.is_same(&child.cause().unwrap()));
        }
        parent.join().unwrap();
    });
}

#[test]
fn r03_the_cause_is_there_when_the_flag_is() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let written = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let reader = thread::spawn({
            let written = written.clone();
            move || {
                if child.is_cancelled() {
                    assert_eq!(child.cause().unwrap().message(), Some("root"));
                    // R4: what was written before `cancel` is visible.
                    assert_eq!(written.load(loom::sync::atomic::Ordering::Relaxed), 1);
                }
            }
        });
        written.store(1, loom::sync::atomic::Ordering::Relaxed);
        root.cancel_with("root");
        reader.join().unwrap();
    });
}

/// R4, by the flags alone: reading the cause takes a lock, which orders everything.
#[test]
fn r04_a_thread_that_sees_the_flag_sees_earlier_writes() {
    use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    for (depth, waits) in [(0, false), (1, false), (1, true), (2, false)] {
        loom::model(move || {
            let root = CancellationToken::new();
            let mut token = root.clone();
            for _ in 0..depth {
                token = token.child_token();
            }
            // A token with a wait has its own flag set. A token without reads its parent's flag.
            let _waiting = waits.then(|| wait_on(token.clone()));
            let written = Arc::new(AtomicUsize::new(0));
            let reader = thread::spawn({
                let written = written.clone();
                move || assert!(!token.is_cancelled() || written.load(Relaxed) == 1)
            });
            written.store(1, Relaxed);
            root.cancel();
            reader.join().unwrap();
        });
    }
}

#[test]
fn r09_a_waker_cancels_an_ancestor_inside_a_cancel() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let mut future = child.clone().cancelled_owned();
        let waker = Waker::from(Arc::new(Act({
            let root = root.clone();
            move || {
                assert!(
                    !root.cancel_with("waker") || root.cause().unwrap().message() == Some("waker")
                );
                drop(root.child_token());
                root.on_cancel(|_| ()).detach();
            }
        })));
        let polled = poll(&mut future, &waker);
        assert!(polled.is_pending());
        let canceller = thread::spawn({
            let child = child.clone();
            move || child.try_cancel()
        });
        root.cancel_with("root");
        canceller.join().unwrap();
        assert!(root.is_cancelled() && child.is_cancelled());
    });
}

/// The walk may hold the last handle of an object, and so the last reference to a cause. The drop of that cause runs
/// user code, which may cancel the same tree and wait for the walk.
#[test]
fn r09_a_drop_in_the_middle_of_a_cancel_may_cancel() {
    for with_branch in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let leaf = root.child_token().child_token();
            // A member, because of its waiter.
            let (_, waiting, _) = wait_on(child.clone());
            if with_branch {
                drop(child.child_token());
            }
            let error = OnDrop({
                let root = root.clone();
                move || {
                    root.cancel();
                    assert!(leaf.is_cancelled());
                }
            });
            child.cancel_with(Cause::new(Reason::Requested).with_error(Arc::new(error)));
            let dropper = thread::spawn(move || drop((waiting, child)));
            root.cancel();
            dropper.join().unwrap();
        });
    }
}

/// The child is notified. Its parent's branch stores the cause.
#[test]
fn r03_the_cause_of_a_child_cancelled_from_above_is_there_when_the_flag_is() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        child.on_cancel(|_| ()).detach();
        let reader = thread::spawn({
            let child = child.clone();
            move || {
                let cause = child.cause();
                assert!(cause.is_none_or(|cause| cause.message() == Some("root")));
                assert!(!child.is_cancelled() || child.cause().is_some());
            }
        });
        root.cancel_with("root");
        reader.join().unwrap();
    });
}

/// Only some levels of a deep tree store the cause; the others read it from a level above.
#[test]
fn r03_the_cause_is_there_when_the_flag_is_at_any_depth() {
    for depth in 1..=6 {
        bounded(move || {
            let root = CancellationToken::new();
            let mut token = root.clone();
            for _ in 0..depth {
                token = token.child_token();
            }
            let reader = thread::spawn(move || {
                if token.is_cancelled() {
                    assert_eq!(token.cause().unwrap().message(), Some("root"));
                }
            });
            assert!(root.cancel_with("root"));
            reader.join().unwrap();
        });
    }
}
