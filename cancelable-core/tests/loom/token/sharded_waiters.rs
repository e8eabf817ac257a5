//! Sharded waiters: several threads wait on one token during a cancel (R12, R14).

use crate::support::{Wait, Wakes, bounded, never_lost, poll, wait_on};
use cancelable_core::CancellationToken;
use loom::thread;
use std::sync::Arc;
use std::task::Waker;

/// A wait that finds the token's list locked makes the shards for later waits: in a build for loom, the first such
/// wait does. Here a second wait makes the shards and a third is sharded, in any order with a cancel.
fn contending_waits(token: &CancellationToken) -> [Wait; 3] {
    [0, 1, 2].map(|_| wait_on(token.clone()))
}

#[test]
fn r14_contending_waits_beside_a_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waiter = thread::spawn({
            let token = token.clone();
            move || contending_waits(&token)
        });
        assert!(token.try_cancel());
        waiter.join().unwrap().into_iter().for_each(never_lost);
    });
}

#[test]
fn r14_sharded_waits_of_two_threads_beside_a_cancel() {
    bounded(|| {
        let token = CancellationToken::new();
        let first = [0, 1].map(|_| wait_on(token.clone()));
        let waiters = [0, 1].map(|_| {
            let token = token.clone();
            thread::spawn(move || wait_on(token))
        });
        assert!(token.try_cancel());
        first.into_iter().for_each(never_lost);
        for waiter in waiters {
            never_lost(waiter.join().unwrap());
        }
    });
}

#[test]
fn r14_contending_waits_on_a_child_beside_a_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        // In the parent's list until there is a second wait.
        let first = wait_on(child.clone());
        let waiter = thread::spawn(move || contending_waits(&child));
        assert!(root.try_cancel());
        never_lost(first);
        waiter.join().unwrap().into_iter().for_each(never_lost);
    });
}

#[test]
fn r12_sharded_waits_are_dropped_beside_a_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let [first, second, third] = contending_waits(&token);
        let wakes = third.2.clone();
        let leaver = thread::spawn(move || drop((third.1, third.2)));
        assert!(token.try_cancel());
        leaver.join().unwrap();
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        [first, second].into_iter().for_each(never_lost);
    });
}

#[test]
fn r12_sharded_waits_are_dropped_without_a_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waits = contending_waits(&token);
        let wakes: Vec<_> = waits.iter().map(|wait| wait.2.clone()).collect();
        thread::spawn(move || drop(waits)).join().unwrap();
        for wakes in wakes {
            assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        }
    });
}

#[test]
fn r14_a_sharded_wait_changes_its_waker_beside_a_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let [first, second, (polled, mut future, _)] = contending_waits(&token);
        assert!(polled.is_pending());
        let changer = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        assert!(token.try_cancel());
        never_lost(changer.join().unwrap());
        [first, second].into_iter().for_each(never_lost);
    });
}
