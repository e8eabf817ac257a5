//! Cancelled tokens and joins that remove their entries while other calls run (R1, R12, R13).

use crate::support::{Wait, bounded, never_lost, wait_on, with_a_vacant_slot};
use cancelable_core::{CancellationToken, Cause};
use loom::thread;
use std::sync::Arc;
use std::task::Poll;

/// The objects below a token that is cancelled: a token two levels down, and a wait on each of the two tokens.
struct Below {
    leaf: CancellationToken,
    waits: [Wait; 2],
}

impl Below {
    fn new(token: &CancellationToken) -> Self {
        let leaf = token.child_token().child_token();
        let waits = [token, &leaf].map(|token| wait_on(token.clone()));
        assert!(waits.iter().all(|(polled, ..)| polled.is_pending()));
        Self { leaf, waits }
    }

    /// Checks R2, R6, R12 and R14: every token is cancelled with `cause`, every wait was woken, and no waker is left.
    fn assert_ended_with(self, cause: &Cause) {
        assert!(self.leaf.cause().unwrap().is_same(cause));
        for (polled, future, wakes) in self.waits {
            never_lost((polled, future, wakes.clone()));
            assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        }
    }
}

/// Checks R1 and R3: the token has one cause, which is `mine` if that call has won. Returns the cause.
fn only_cause(token: &CancellationToken, mine: bool, others: &str) -> Cause {
    let cause = token.cause().unwrap();
    let expected = if mine { "mine" } else { others };
    assert_eq!(
        (cause.message(), cause.is_inherited()),
        (Some(expected), !mine)
    );
    cause
}

/// A child that has a branch, as a join does, and a wait below the child.
fn member_with_a_branch(token: &CancellationToken) -> (CancellationToken, Wait) {
    let middle = token.child_token();
    let waiting = wait_on(middle.child_token());
    (middle, waiting)
}

/// The child removes its entry from the list that the parent's cancel takes.
#[test]
fn r01_r12_a_cancelled_token_unlinks_beside_the_parents_cancel() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let below = Below::new(&child);
        let beside = wait_on(root.child_token());
        let other = thread::spawn({
            let (root, leaf) = (root.clone(), below.leaf.clone());
            move || {
                assert!(root.cancel_with("root"));
                // The entry of a cancelled child stays until all below the child reports cancelled.
                assert!(leaf.is_cancelled());
            }
        });
        let mine = child.cancel_with("mine");
        assert!(below.leaf.is_cancelled());
        other.join().unwrap();
        below.assert_ended_with(&only_cause(&child, mine, "root"));
        never_lost(beside);
    });
}

/// The child has no branch: its only waiter is in the list, or two waiters are behind its entry.
#[test]
fn r01_r12_a_cancelled_token_without_a_branch_unlinks_beside_the_parents_cancel() {
    for waits in 0..=2 {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let waits: Vec<Wait> = (0..waits).map(|_| wait_on(child.clone())).collect();
            let other = thread::spawn({
                let root = root.clone();
                move || root.cancel_with("root")
            });
            let mine = child.cancel_with("mine");
            assert!(child.is_cancelled());
            // The call that has won wakes them. The other call does not wait for that.
            assert!(other.join().unwrap());
            waits.into_iter().for_each(never_lost);
            only_cause(&child, mine, "root");
        });
    }
}

/// A new member may get the slot that the child frees, and keeps it.
#[test]
fn r12_a_cancelled_token_unlinks_beside_a_new_member() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let below = Below::new(&child);
        let comer = thread::spawn({
            let root = root.clone();
            move || wait_on(root.child_token())
        });
        assert!(child.cancel_with("mine"));
        below.assert_ended_with(&only_cause(&child, true, ""));
        drop(child);
        let (polled, future, wakes) = comer.join().unwrap();
        assert!(polled.is_pending());
        assert_eq!(wakes.count(), 0, "the wrong entry was removed");
        assert!(root.try_cancel());
        never_lost((polled, future, wakes));
    });
}

/// The child moves to the slot in the root's list whose key a wait has in the parent's list. The child removes its own
/// entry, and no other.
#[test]
fn r12_a_cancelled_token_unlinks_beside_a_move_above_an_orphan_and_other_members_stay() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let below = Below::new(&child);
        let beside = wait_on(parent.child_token());
        let dropper = thread::spawn(move || drop(parent));
        assert!(child.cancel_with("mine"));
        below.assert_ended_with(&only_cause(&child, true, ""));
        dropper.join().unwrap();
        assert_eq!(beside.2.count(), 0, "the wrong entry was removed");
        assert!(root.try_cancel());
        never_lost(beside);
    });
}

/// The child removes its entry from its parent's list, or from the root's, to which the drop of the parent moves it.
#[test]
fn r01_r12_a_cancelled_token_unlinks_beside_a_move_above_an_orphan() {
    for branch in [false, true] {
        bounded(move || {
            let (root, parent) = with_a_vacant_slot();
            let child = parent.child_token();
            let below = branch.then(|| Below::new(&child));
            let waiting = wait_on(child.clone());
            let dropper = thread::spawn(move || drop(parent));
            assert!(child.cancel_with("mine"));
            never_lost(waiting);
            let cause = only_cause(&child, true, "");
            if let Some(below) = below {
                below.assert_ended_with(&cause);
            }
            // Gets the slot that the child has freed or will free.
            let comer = wait_on(root.child_token());
            dropper.join().unwrap();
            drop(child);
            assert!(!root.is_cancelled());
            assert!(comer.0.is_pending());
            assert!(root.try_cancel());
            never_lost(comer);
        });
    }
}

#[test]
fn r01_r12_a_cancelled_token_unlinks_beside_a_move_above_an_orphan_and_a_cancel_of_the_root() {
    bounded(|| {
        let (root, parent) = with_a_vacant_slot();
        let child = parent.child_token();
        let below = Below::new(&child);
        let dropper = thread::spawn(move || drop(parent));
        let other = thread::spawn(move || root.cancel_with("root"));
        let mine = child.cancel_with("mine");
        assert!(below.leaf.is_cancelled());
        dropper.join().unwrap();
        assert!(other.join().unwrap());
        below.assert_ended_with(&only_cause(&child, mine, "root"));
    });
}

/// The join removes its entry from the input that did not cancel it, whose own cancel may find the entry.
#[test]
fn r01_r12_r13_a_cancelled_join_unlinks_from_an_input_beside_the_inputs_cancel() {
    bounded(|| {
        let inputs = [CancellationToken::new(), CancellationToken::new()];
        let any = CancellationToken::any_of(&inputs).unwrap();
        let below = Below::new(&any);
        let other = thread::spawn({
            let input = inputs[1].clone();
            move || input.cancel_with("second")
        });
        assert!(inputs[0].cancel_with("first"));
        assert!(below.leaf.is_cancelled());
        assert!(other.join().unwrap());
        let by = any.cancelled_input().unwrap();
        let cause = only_cause(&any, false, ["first", "second"][by]);
        assert!(cause.is_same(&inputs[by].cause().unwrap()));
        below.assert_ended_with(&cause);
    });
}

/// The join is cancelled itself, and removes its entries from both inputs.
#[test]
fn r01_r12_r13_a_join_cancelled_itself_unlinks_from_an_input_beside_the_inputs_cancel() {
    bounded(|| {
        let inputs = [CancellationToken::new(), CancellationToken::new()];
        let any = CancellationToken::any_of(&inputs).unwrap();
        let below = Below::new(&any);
        let other = thread::spawn({
            let input = inputs[1].clone();
            move || input.cancel_with("second")
        });
        let mine = any.cancel_with("mine");
        assert!(below.leaf.is_cancelled());
        assert!(other.join().unwrap());
        assert_eq!(any.cancelled_input(), (!mine).then_some(1));
        below.assert_ended_with(&only_cause(&any, mine, "second"));
        assert!(!inputs[0].is_cancelled());
    });
}

/// The input from which the join removes its entry loses its last handle, and a child of the input moves to the root.
#[test]
fn r12_r13_a_cancelled_join_unlinks_from_an_input_beside_the_inputs_drop() {
    bounded(|| {
        let root = CancellationToken::new();
        let lasting = root.child_token();
        let handed_up = wait_on(lasting.child_token().child_token());
        let input = CancellationToken::new();
        let any = CancellationToken::any_of([&lasting, &input]).unwrap();
        let below = Below::new(&any);
        let dropper = thread::spawn(move || drop(lasting));
        assert!(input.cancel_with("input"));
        assert_eq!(any.cancelled_input(), Some(1));
        below.assert_ended_with(&only_cause(&any, false, "input"));
        dropper.join().unwrap();
        drop(any);
        assert_eq!(handed_up.2.count(), 0, "the wrong entry was removed");
        assert!(root.try_cancel());
        never_lost(handed_up);
    });
}

/// The join is cancelled by an input while its token is dropped. A new member of the other input keeps its slot.
#[test]
fn r12_r13_a_cancelled_join_unlinks_from_an_input_beside_its_own_drop_and_a_new_member() {
    bounded(|| {
        let [input, lasting] = [CancellationToken::new(), CancellationToken::new()];
        let any = CancellationToken::any_of([&input, &lasting]).unwrap();
        let dropper = thread::spawn(move || drop(any));
        let comer = thread::spawn({
            let lasting = lasting.clone();
            move || member_with_a_branch(&lasting)
        });
        assert!(input.try_cancel());
        dropper.join().unwrap();
        let (_middle, (polled, future, wakes)) = comer.join().unwrap();
        assert_eq!((polled, wakes.count()), (Poll::Pending, 0));
        assert!(lasting.try_cancel());
        never_lost((polled, future, wakes));
    });
}

/// The join may be cancelled before its keys are stored. Its entries are removed once, by either thread.
#[test]
fn r12_r13_a_join_is_made_beside_the_cancel_of_an_input_and_a_new_member_of_the_other() {
    bounded(|| {
        let [input, lasting] = [CancellationToken::new(), CancellationToken::new()];
        drop(input.child_token());
        let maker = thread::spawn({
            let (input, lasting) = (input.clone(), lasting.clone());
            move || CancellationToken::any_of([&lasting, &input]).unwrap()
        });
        let comer = thread::spawn({
            let lasting = lasting.clone();
            move || member_with_a_branch(&lasting)
        });
        assert!(input.cancel_with("input"));
        let any = maker.join().unwrap();
        assert_eq!(any.cancelled_input(), Some(1));
        only_cause(&any, false, "input");
        drop(any);
        let (_middle, (polled, future, wakes)) = comer.join().unwrap();
        assert_eq!((polled, wakes.count()), (Poll::Pending, 0));
        assert!(lasting.try_cancel());
        never_lost((polled, future, wakes));
    });
}
