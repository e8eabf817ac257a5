//! Waits during a cancel: no wake-up is lost, and no waker is left behind (R12, R14).

use crate::support::{Wakes, bounded, never_lost, poll, wait_on};
use cancelable_core::CancellationToken;
use loom::thread;
use std::sync::Arc;
use std::task::Waker;

#[test]
fn r14_cancel_with_wait() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waiter = thread::spawn({
            let token = token.clone();
            move || wait_on(token)
        });
        assert!(token.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_cancel_of_the_parent_with_wait_on_a_child() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_cancel_of_the_root_with_wait_on_a_grandchild() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || wait_on(child.child_token()));
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_two_waits_on_one_child_with_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiters = [0, 1].map(|_| {
            let child = child.clone();
            thread::spawn(move || wait_on(child))
        });
        assert!(root.try_cancel());
        waiters
            .into_iter()
            .for_each(|waiter| never_lost(waiter.join().unwrap()));
    });
}

#[test]
fn r14_cancel_with_a_change_of_the_waker() {
    loom::model(|| {
        let token = CancellationToken::new();
        let (first, mut future, _) = wait_on(token.clone());
        assert!(first.is_pending());
        let waiter = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        assert!(token.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_cancel_with_drop_of_the_future() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (polled, future, wakes) = wait_on(child);
        assert!(polled.is_pending());
        let dropper = thread::spawn(move || drop(future));
        assert!(root.try_cancel());
        dropper.join().unwrap();
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
    });
}

#[test]
fn r14_a_wait_with_the_node_getting_its_branch() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn({
            let child = child.clone();
            move || wait_on(child)
        });
        let maker = thread::spawn({
            let child = child.clone();
            move || child.child_token()
        });
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
        assert!(maker.join().unwrap().is_cancelled());
    });
}

#[test]
fn r14_a_blocking_wait_with_cancel() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || {
            child.wait();
            assert!(child.is_cancelled());
        });
        root.cancel();
        waiter.join().unwrap();
    });
}

/// The first wait on a child is in its parent's list until there is a second wait.
#[test]
fn r14_a_second_wait_with_cancel_of_the_child_and_of_the_parent() {
    for of_the_child in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let first = wait_on(child.clone());
            assert!(first.0.is_pending());
            let waiter = thread::spawn({
                let child = child.clone();
                move || wait_on(child)
            });
            match of_the_child {
                true => assert!(child.try_cancel()),
                false => assert!(root.try_cancel()),
            }
            never_lost(first);
            never_lost(waiter.join().unwrap());
        });
    }
}

#[test]
fn r14_the_first_wait_on_a_child_with_its_cancel_and_the_parents() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let canceller = thread::spawn({
            let child = child.clone();
            move || child.try_cancel()
        });
        let waiter = thread::spawn(move || wait_on(child));
        root.cancel();
        canceller.join().unwrap();
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_the_first_wait_on_a_child_leaves_while_a_second_comes_with_cancel() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (polled, first, wakes) = wait_on(child.clone());
        assert!(polled.is_pending());
        let leaver = thread::spawn(move || drop(first));
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        leaver.join().unwrap();
        never_lost(waiter.join().unwrap());
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
    });
}

#[test]
fn r12_the_first_wait_on_a_child_leaves_while_the_child_gets_a_branch() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let (polled, first, wakes) = wait_on(child.clone());
        assert!(polled.is_pending());
        drop(parent);
        let leaver = thread::spawn(move || drop(first));
        // The child's home is the root's branch, past the orphan.
        let below = child.child_token();
        leaver.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        let last = wait_on(child);
        assert!(root.try_cancel());
        never_lost(last);
        assert!(below.is_cancelled());
    });
}

#[test]
fn r14_a_change_of_the_waker_on_a_child_with_a_second_wait_and_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (first, mut future, _) = wait_on(child.clone());
        assert!(first.is_pending());
        let changer = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        never_lost(changer.join().unwrap());
        never_lost(waiter.join().unwrap());
    });
}

/// A repeated poll takes no lock.
#[test]
fn r14_cancel_with_a_repeated_poll() {
    for depth in [0, 1] {
        loom::model(move || {
            let root = CancellationToken::new();
            let token = match depth {
                0 => root.clone(),
                _ => root.child_token(),
            };
            let wakes = Arc::new(Wakes::default());
            let waker = Waker::from(wakes.clone());
            let mut future = token.cancelled_owned();
            assert!(poll(&mut future, &waker).is_pending());
            let poller = thread::spawn(move || (poll(&mut future, &waker), future));
            assert!(root.try_cancel());
            let (polled, future) = poller.join().unwrap();
            assert_eq!(wakes.count(), 1);
            never_lost((polled, future, wakes));
        });
    }
}

/// The lost wake-up that the protocol avoids: each side publishes its flag or its list with a release store, and reads
/// the other with an acquire load. Each side may miss the other, and then the waiter sleeps for ever. This model fails,
/// so the models above would find such a lost wake-up.
#[test]
#[should_panic(expected = "a waiter sleeps through a cancel")]
fn the_trap_is_visible_to_the_model() {
    use loom::sync::atomic::{AtomicBool, Ordering};
    loom::model(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let waits = Arc::new(AtomicBool::new(false));
        let waiter = thread::spawn({
            let (flag, waits) = (flag.clone(), waits.clone());
            move || {
                waits.store(true, Ordering::Release);
                flag.load(Ordering::Acquire)
            }
        });
        flag.store(true, Ordering::Release);
        let woken = waits.load(Ordering::Acquire);
        let ready = waiter.join().unwrap();
        assert!(ready || woken, "a waiter sleeps through a cancel");
    });
}
