//! Parents, children and orphans during a cancel (R6, R12).

use crate::support::{bounded, never_lost, wait_on, with_a_vacant_slot};
use cancelable_core::CancellationToken;
use loom::thread;
use std::sync::Arc;

#[test]
fn r06_cancel_with_child_creation() {
    loom::model(|| {
        let root = CancellationToken::new();
        let maker = thread::spawn({
            let root = root.clone();
            move || {
                let before = root.is_cancelled();
                let child = root.child_token();
                assert!(
                    !before || child.is_cancelled(),
                    "a child of a cancelled token is not"
                );
                let grandchild = child.child_token();
                (child, grandchild)
            }
        });
        assert!(root.cancel_with("stop"));
        let (child, grandchild) = maker.join().unwrap();
        for token in [child, grandchild] {
            assert!(token.is_cancelled());
            let cause = token.cause().unwrap();
            assert_eq!(
                (cause.message(), cause.is_inherited()),
                (Some("stop"), true)
            );
        }
    });
}

#[test]
fn r06_cancel_of_the_root_reaches_below_a_token_that_is_dropped_meanwhile() {
    bounded(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let leaf = middle.child_token();
        let seen = leaf.clone();
        let dropper = thread::spawn(move || drop(middle));
        let user = thread::spawn(move || leaf.child_token());
        assert!(root.try_cancel());
        assert!(
            seen.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        let below = user.join().unwrap();
        dropper.join().unwrap();
        assert!(below.is_cancelled());
    });
}

#[test]
fn r12_drop_of_parent_with_drop_of_child() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let (polled, future, wakes) = wait_on(child.child_token());
        assert!(polled.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(child));
        drop(future);
        parents.join().unwrap();
        children.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        assert!(root.try_cancel());
    });
}

#[test]
fn r12_drop_of_the_parent_beside_a_cancel_of_the_root_and_a_wait_below() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let parents = thread::spawn(move || drop(parent));
        // The child gets its branch above the orphan, or below it, while the root is cancelled.
        let waiter = thread::spawn(move || wait_on(child.child_token()));
        assert!(root.try_cancel());
        parents.join().unwrap();
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r06_a_member_that_moves_above_an_orphan_is_still_notified() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        // The child has a wait, so it is a member of the parent's branch. After the drop of the parent, the child's
        // branch and its entry are linked to the root's branch.
        let waiting = wait_on(child.clone());
        assert!(waiting.0.is_pending());
        drop(parent);
        let mover = thread::spawn(move || child.child_token());
        assert!(root.try_cancel());
        never_lost(waiting);
        assert!(mover.join().unwrap().is_cancelled());
    });
}

#[test]
fn r06_a_child_of_a_child_of_a_token_that_was_cancelled_and_dropped() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let canceller = thread::spawn(move || parent.try_cancel());
        let seen = child.is_cancelled();
        let below = child.child_token();
        assert!(!seen || below.is_cancelled());
        assert!(canceller.join().unwrap());
        assert!(
            below.is_cancelled(),
            "linked past an orphan that was cancelled"
        );
    });
}

#[test]
fn r06_a_child_of_a_token_that_reports_cancelled_reports_cancelled() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let _branch = child.child_token();
        let maker = thread::spawn(move || {
            let before = child.is_cancelled();
            assert!(!before || child.child_token().is_cancelled());
        });
        assert!(root.try_cancel());
        maker.join().unwrap();
    });
}

#[test]
fn r12_a_branch_moves_above_an_orphan_beside_a_cancel_of_the_root_and_a_wait() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let waiting = wait_on(below);
        assert!(waiting.0.is_pending());
        // Moves the child's branch to the root, and its entry if there is one.
        let parents = thread::spawn(move || drop(parent));
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        parents.join().unwrap();
        never_lost(waiting);
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_a_branch_moves_above_an_orphan_beside_its_own_drop() {
    bounded(|| {
        let root = CancellationToken::new();
        // Has the same key in the root's list as the child in its parent's list.
        let other = wait_on(root.child_token());
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let (polled, future, wakes) = wait_on(child);
        assert!(polled.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(future));
        let waiting = wait_on(below.child_token());
        parents.join().unwrap();
        children.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        assert!(root.try_cancel());
        never_lost(waiting);
        never_lost(other);
        assert!(below.is_cancelled());
    });
}

#[test]
fn r12_two_generations_are_dropped_at_once() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let waiting = wait_on(below.child_token());
        assert!(waiting.0.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(child));
        assert!(root.try_cancel());
        never_lost(waiting);
        parents.join().unwrap();
        children.join().unwrap();
        assert!(below.is_cancelled());
    });
}

#[test]
fn r06_a_cancel_waits_for_the_objects_that_another_cancel_marks() {
    bounded(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let below = middle.child_token();
        let leaf = below.child_token();
        let other = thread::spawn(move || middle.try_cancel());
        assert!(root.try_cancel());
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}

/// The root's cancel meets a second cancel, which meets a third.
#[test]
fn r06_a_cancel_waits_for_the_passes_that_overlap_those_it_waits_for() {
    bounded(|| {
        let root = CancellationToken::new();
        let first = root.child_token();
        let second = first.child_token();
        let leaf = second.child_token().child_token();
        let others = [first, second].map(|token| thread::spawn(move || token.try_cancel()));
        assert!(root.try_cancel());
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        others.into_iter().for_each(|other| {
            other.join().unwrap();
        });
    });
}

#[test]
fn r06_a_cancel_that_returns_false_returns_after_the_first_has_marked_all() {
    loom::model(|| {
        let root = CancellationToken::new();
        let leaf = root.child_token().child_token();
        let other = thread::spawn({
            let root = root.clone();
            move || root.try_cancel()
        });
        // loom would not run the other thread first: it forgets a load that is followed by a load of another
        // thread.
        thread::yield_now();
        let mine = root.try_cancel();
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn r06_a_cancel_of_a_child_that_returns_false_returns_after_the_parents_has_marked_all_below() {
    for waits in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let leaf = child.child_token().child_token();
            let _waiting = waits.then(|| wait_on(child.clone()));
            let other = thread::spawn(move || root.try_cancel());
            thread::yield_now(); // As above.
            child.cancel();
            assert!(
                leaf.is_cancelled(),
                "cancel returned before it reached a descendant"
            );
            assert!(other.join().unwrap());
        });
    }
}

/// The child's branch is linked past its parent's branch, so one of the two is notified first.
#[test]
fn r06_a_cancel_below_an_orphan_waits_for_the_cancel_above() {
    for (before_the_parent, waits) in [(false, false), (true, false), (false, true)] {
        bounded(move || {
            let (root, parent) = match before_the_parent {
                true => with_a_vacant_slot(),
                false => {
                    let root = CancellationToken::new();
                    let parent = root.child_token();
                    (root, parent)
                }
            };
            let child = parent.child_token();
            drop(parent);
            let leaf = child.child_token().child_token();
            let other = thread::spawn(move || root.cancel_with("root"));
            thread::yield_now(); // As above.
            // The wait finds the root cancelled and marks the child.
            let _waiting = waits.then(|| wait_on(child.clone()));
            let mine = child.cancel_with("mine");
            assert!(
                leaf.is_cancelled(),
                "cancel returned before it reached a descendant"
            );
            let (own, below) = (child.cause().unwrap(), leaf.cause().unwrap());
            assert!(own.is_same(&below), "{own:?}, and below it {below:?}");
            assert_eq!(mine, own.message() == Some("mine"));
            assert_eq!(mine, !own.is_inherited());
            assert!(other.join().unwrap());
        });
    }
}

/// The child's branch may be linked to an orphan past which its parent's branch has been moved.
#[test]
fn r06_a_cancel_below_two_orphans_waits_for_the_cancel_above() {
    bounded(|| {
        let (root, upper) = with_a_vacant_slot();
        let parent = upper.child_token();
        let child = parent.child_token();
        drop(parent);
        let dropper = thread::spawn(move || drop(upper));
        let leaf = child.child_token().child_token();
        dropper.join().unwrap();
        let other = thread::spawn(move || root.try_cancel());
        thread::yield_now(); // As above.
        child.cancel();
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}
