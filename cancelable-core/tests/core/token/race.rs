//! Threads that run random operations on one tree at the same time, and the state in which they leave it.

use crate::support::hand::{Numbers, Sleeper, poll};
use cancelable_core::CancellationToken;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Waker;
use std::thread;

const THREADS: usize = 4;

/// The random walk of one thread below `root`. Returns its waits.
fn roam(root: &CancellationToken, seed: u64) -> Vec<Sleeper> {
    let mut numbers = Numbers::from_seed(seed);
    let mut tokens = vec![root.child_token()];
    let mut waits = Vec::new();
    for _ in 0..40 {
        let which = numbers.below(tokens.len());
        let token = tokens[which].clone();
        let before = token.is_cancelled();
        match numbers.below(8) {
            0..=2 => {
                let child = token.child_token();
                assert!(
                    !before || child.is_cancelled(),
                    "a live child of a cancelled token"
                );
                tokens.push(child);
            }
            3 if tokens.len() > 1 => drop(tokens.swap_remove(which)),
            4 => {
                let mut wait = token.clone().cancelled_owned();
                if poll(&mut wait, Waker::noop()).is_pending() {
                    assert!(!before);
                } else {
                    assert!(token.is_cancelled() && token.cause().is_some());
                }
            }
            5 => waits.extend(Sleeper::try_on(&token.child_token())),
            6 => drop(token.on_cancel(|cause| assert_eq!(cause.message(), Some("stop")))),
            _ => {
                let any = CancellationToken::any_of([&token, root]).expect("two tokens");
                assert!(!before || any.is_cancelled());
                tokens.push(any);
            }
        }
    }
    waits
}

#[test]
fn r01_to_r14_concurrent_random_operations_lose_no_cancel() {
    for round in 0..200 {
        let root = CancellationToken::new();
        let shared = root.child_token();
        let start = Barrier::new(THREADS + 1);
        let runs = AtomicUsize::new(0);
        thread::scope(|scope| {
            let roamers: Vec<_> = (0..THREADS)
                .map(|number| {
                    let (shared, start, runs) = (&shared, &start, &runs);
                    scope.spawn(move || {
                        start.wait();
                        let waits = roam(shared, (round * THREADS + number) as u64);
                        runs.fetch_add(1, SeqCst);
                        waits
                    })
                })
                .collect();
            start.wait();
            assert!(root.cancel_with("stop"));
            assert!(
                shared.is_cancelled(),
                "cancel returned before it had marked the token"
            );
            for roamer in roamers {
                for mut wait in roamer.join().unwrap() {
                    assert_eq!(wait.wakes(), 1);
                    assert!(wait.poll().is_ready());
                }
            }
        });
        assert_eq!(runs.load(SeqCst), THREADS);
    }
}
