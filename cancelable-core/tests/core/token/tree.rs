//! Parents and children: a cancel reaches every descendant, in whatever order handles are dropped (R6).

use crate::support::hand::{Sleeper, wait_with};
use cancelable_core::CancellationToken;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn r06_every_descendant_has_the_roots_cause_as_inherited() {
    let root = CancellationToken::new();
    let mut tokens = vec![root.clone()];
    for parent in 0..40 {
        for _ in 0..3 {
            tokens.push(tokens[parent].child_token());
        }
    }
    // Tokens with a wait and tokens without: a cancel reaches them in different ways.
    let sleepers: Vec<_> = tokens.iter().step_by(3).map(Sleeper::on).collect();
    assert!(root.cancel_with("stop"));
    let cause = root.cause().unwrap();
    assert!(!cause.is_inherited());
    for token in &tokens[1..] {
        assert!(token.is_cancelled());
        let inherited = token.cause().unwrap();
        assert!(inherited.is_same(&cause) && inherited.is_inherited());
        assert_eq!(token.cancelled_at(), root.cancelled_at());
    }
    assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 1));
}

#[test]
fn r06_a_child_cancels_neither_its_parent_nor_its_siblings() {
    let root = CancellationToken::new();
    let parent = root.child_token();
    let (child, sibling) = (parent.child_token(), parent.child_token());
    let below = child.child_token();
    let sleepers = [&root, &parent, &sibling].map(Sleeper::on);
    assert!(child.try_cancel());
    assert!(below.is_cancelled());
    for token in [&root, &parent, &sibling] {
        assert!(!token.is_cancelled() && token.cause().is_none());
    }
    assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 0));
    assert!(parent.try_cancel() && sibling.is_cancelled() && !root.is_cancelled());
}

#[test]
fn r06_a_child_of_a_cancelled_token_is_cancelled_from_the_start() {
    let root = CancellationToken::new();
    let with_children = root.child_token();
    let _old = with_children.child_token();
    let without = root.child_token();
    root.cancel_with("stop");
    for parent in [&root, &with_children, &without] {
        let child = parent.child_token();
        let below = child.child_token();
        for token in [child, below] {
            assert!(token.is_cancelled() && !token.try_cancel());
            let cause = token.cause().unwrap();
            assert!(cause.is_inherited() && cause.is_same(&root.cause().unwrap()));
        }
    }
}

/// A chain root, a, b, c, leaf. The tokens between root and leaf are dropped in every order, before or after the leaf
/// waits, and the root still reaches the leaf.
#[test]
fn r06_r12_the_root_reaches_the_leaf_in_every_order_of_drops() {
    for order in 0..6 {
        for wait_at in 0..4 {
            let root = CancellationToken::new();
            let a = root.child_token();
            let b = a.child_token();
            let c = b.child_token();
            let leaf = c.child_token();
            let mut between = [Some(a), Some(b), Some(c)];
            let drops = [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ];
            let mut sleeper = None;
            let mut below = Vec::new();
            for (step, which) in drops[order].into_iter().enumerate() {
                if step == wait_at {
                    sleeper = Some(Sleeper::on(&leaf));
                }
                between[which] = None;
                // The token gets its branch while other tokens above are dropped.
                below.push(leaf.child_token());
            }
            let sleeper = sleeper.unwrap_or_else(|| Sleeper::on(&leaf));
            let low = Sleeper::on(&below[2]);
            assert!(!leaf.is_cancelled());
            assert!(root.cancel_with("stop"));
            assert_eq!((sleeper.wakes(), low.wakes()), (1, 1));
            for token in below.iter().chain([&leaf]) {
                assert_eq!(token.message().as_deref(), Some("stop"));
            }
        }
    }
}

#[test]
fn r06_a_child_of_a_child_of_a_token_that_was_cancelled_and_dropped() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let child = middle.child_token();
    middle.cancel_with("middle");
    drop(middle);
    assert!(child.is_cancelled());
    // The branch must not be linked past the cancelled token to the live root.
    let below = child.child_token();
    assert!(below.is_cancelled());
    assert_eq!(below.message().as_deref(), Some("middle"));
    assert!(!root.is_cancelled());
}

#[test]
fn r06_r09_a_waker_finds_the_whole_tree_cancelled() {
    let root = CancellationToken::new();
    let first = root.child_token();
    let seen = Arc::new(AtomicUsize::new(0));
    let others: Arc<Mutex<Vec<CancellationToken>>> = Arc::default();
    let _wait = wait_with(&first, {
        let (others, seen) = (others.clone(), seen.clone());
        move || {
            for token in others.lock().clone() {
                assert!(token.is_cancelled() && token.cause().is_some());
                assert!(token.child_token().is_cancelled());
                seen.fetch_add(1, SeqCst);
            }
        }
    });
    let second = root.child_token();
    let below = second.child_token();
    let last = below.child_token().child_token();
    *others.lock() = vec![second, below, last];
    root.cancel();
    assert_eq!(seen.load(SeqCst), 3);
}

#[test]
fn r06_a_wakers_cancel_of_an_ancestor_has_reached_every_descendant_when_it_returns() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let first = middle.child_token();
    let leaf = middle.child_token().child_token();
    let seen = Arc::new(AtomicUsize::new(0));
    let _wait = wait_with(&first, {
        let (root, leaf, seen) = (root.clone(), leaf.clone(), seen.clone());
        move || {
            assert!(root.cancel_with("root"));
            assert!(leaf.is_cancelled());
            seen.fetch_add(1, SeqCst);
        }
    });
    assert!(middle.cancel_with("middle"));
    assert_eq!(seen.load(SeqCst), 1);
    assert_eq!(leaf.message().as_deref(), Some("middle"));
    assert_eq!(root.message().as_deref(), Some("root"));
}

#[test]
fn r12_weak_handles_and_children_do_not_keep_a_token() {
    let root = CancellationToken::new();
    let parent = root.child_token();
    let weak = parent.downgrade();
    let child = parent.child_token();
    assert_eq!(weak.upgrade(), Some(parent.clone()));
    let wait = parent.clone().cancelled_owned();
    let registration = parent.on_cancel(|_| ());
    drop(parent);
    assert!(
        weak.upgrade().is_some(),
        "a future and a registration keep it"
    );
    drop(wait);
    assert!(weak.upgrade().is_some(), "a registration keeps the token");
    drop(registration);
    assert!(weak.upgrade().is_none(), "a child keeps no parent");
    root.cancel();
    assert!(child.is_cancelled());
    assert!(root.downgrade().upgrade().unwrap().is_cancelled());
}
