//! A million tokens, deep or wide, on a stack of 256 KiB (R12): nothing recurses on depth.

use crate::support::hand::{Numbers, Sleeper, on_small_stack};
use cancelable_core::CancellationToken;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const MILLION: usize = 1_000_000;

/// The order in which a million tokens are dropped.
#[derive(Clone, Copy)]
enum Order {
    RootFirst,
    LeafFirst,
    Shuffled,
}

const ORDERS: [Order; 3] = [Order::RootFirst, Order::LeafFirst, Order::Shuffled];

fn drop_in_order<T>(mut tokens: Vec<T>, order: Order) {
    match order {
        Order::RootFirst => tokens.into_iter().for_each(drop),
        Order::LeafFirst => tokens.into_iter().rev().for_each(drop),
        Order::Shuffled => {
            Numbers::from_seed(tokens.len() as u64).shuffle(&mut tokens);
            tokens.into_iter().for_each(drop);
        }
    }
}

fn chain(length: usize) -> Vec<CancellationToken> {
    let mut chain = vec![CancellationToken::new()];
    for above in 0..length {
        chain.push(chain[above].child_token());
    }
    chain
}

#[test]
fn r12_a_chain_of_a_million_is_cancelled_on_a_small_stack() {
    for order in ORDERS {
        on_small_stack(move || {
            let chain = chain(MILLION);
            let sleeper = Sleeper::on(&chain[MILLION]);
            chain[0].cancel_with("stop");
            assert_eq!(sleeper.wakes(), 1);
            assert!(chain.iter().all(CancellationToken::is_cancelled));
            assert_eq!(chain[MILLION].message().as_deref(), Some("stop"));
            drop_in_order(chain, order);
        });
    }
}

#[test]
fn r12_a_chain_of_a_million_is_dropped_on_a_small_stack() {
    for order in ORDERS {
        on_small_stack(move || {
            let chain = chain(MILLION);
            let root = chain[0].clone();
            let leaf = chain[MILLION].clone();
            let sleeper = Sleeper::on(&leaf);
            drop_in_order(chain, order);
            // A million tokens between root and leaf are dropped, and the root still reaches the leaf.
            root.cancel();
            assert!(leaf.is_cancelled() && sleeper.wakes() == 1);
        });
    }
}

#[test]
fn r12_a_chain_whose_last_handle_is_the_leaf_is_dropped_on_a_small_stack() {
    on_small_stack(|| {
        let mut chain = chain(MILLION);
        let leaf = chain.pop();
        drop(chain);
        // The leaf's reference holds all branches above it.
        drop(leaf);
    });
}

#[test]
fn r12_a_chain_of_a_million_waiting_tokens_on_a_small_stack() {
    on_small_stack(|| {
        let chain = chain(MILLION);
        let waits: Vec<_> = chain.iter().step_by(2).map(Sleeper::on).collect();
        let runs = Arc::new(AtomicUsize::new(0));
        for token in chain.iter().skip(1).step_by(2) {
            let runs = runs.clone();
            token
                .on_cancel(move |_| {
                    runs.fetch_add(1, SeqCst);
                })
                .detach();
        }
        chain[0].cancel();
        assert!(waits.iter().all(|wait| wait.wakes() == 1));
        assert_eq!(runs.load(SeqCst), MILLION / 2);
        drop_in_order(waits, Order::Shuffled);
    });
}

#[test]
fn r12_a_million_children_on_a_small_stack() {
    for order in ORDERS {
        on_small_stack(move || {
            let root = CancellationToken::new();
            let children: Vec<_> = (0..MILLION).map(|_| root.child_token()).collect();
            // Every second child has a branch in the root's list.
            let below: Vec<_> = children
                .iter()
                .step_by(2)
                .map(CancellationToken::child_token)
                .collect();
            root.cancel();
            assert!(
                children
                    .iter()
                    .chain(&below)
                    .all(CancellationToken::is_cancelled)
            );
            drop_in_order(children, order);
            drop_in_order(below, order);
        });
    }
}

#[test]
fn r12_a_million_children_are_dropped_before_the_cancel() {
    for order in ORDERS {
        on_small_stack(move || {
            let root = CancellationToken::new();
            let children: Vec<_> = (0..MILLION)
                .map(|number| {
                    let child = root.child_token();
                    let wait = (number % 4 == 0).then(|| Sleeper::on(&child));
                    (child, wait)
                })
                .collect();
            drop_in_order(children, order);
            let last = Sleeper::on(&root.child_token());
            root.cancel();
            assert_eq!(last.wakes(), 1);
        });
    }
}

#[test]
fn r12_a_million_children_that_are_waited_on() {
    on_small_stack(|| {
        let root = CancellationToken::new();
        let waits: Vec<_> = (0..MILLION)
            .map(|_| Sleeper::on(&root.child_token()))
            .collect();
        root.cancel();
        assert!(waits.iter().all(|wait| wait.wakes() == 1));
        drop_in_order(waits, Order::Shuffled);
    });
}

#[test]
fn r12_a_million_waits_on_one_token() {
    on_small_stack(|| {
        let token = CancellationToken::new();
        let mut waits: Vec<_> = (0..MILLION).map(|_| Sleeper::on(&token)).collect();
        Numbers::from_seed(3).shuffle(&mut waits);
        waits.truncate(MILLION / 2);
        token.cancel();
        assert!(waits.iter().all(|wait| wait.wakes() == 1));
    });
}

#[test]
fn r12_a_million_callbacks_run_or_are_unregistered() {
    on_small_stack(|| {
        let token = CancellationToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let mut registrations: Vec<_> = (0..MILLION)
            .map(|_| {
                let runs = runs.clone();
                token.on_cancel(move |_| {
                    runs.fetch_add(1, SeqCst);
                })
            })
            .collect();
        Numbers::from_seed(4).shuffle(&mut registrations);
        let never = registrations.split_off(MILLION / 2);
        assert!(never.into_iter().all(|one| one.unregister()));
        token.cancel();
        assert_eq!(runs.load(SeqCst), MILLION / 2);
    });
}

#[test]
fn r12_a_million_joins_on_one_another() {
    on_small_stack(|| {
        let (root, other) = (CancellationToken::new(), CancellationToken::new());
        let mut last = root.clone();
        for _ in 0..MILLION / 4 {
            last = CancellationToken::any_of([&last, &other]).unwrap();
        }
        let sleeper = Sleeper::on(&last);
        root.cancel_with("stop");
        assert_eq!(sleeper.wakes(), 1);
        assert_eq!(last.message().as_deref(), Some("stop"));
        drop((last, sleeper));
        assert!(!other.is_cancelled());
    });
}
