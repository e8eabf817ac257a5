//! Joins during the cancel of their inputs (R13).

use crate::support::{bounded, never_lost, wait_on};
use cancelable_core::CancellationToken;
use loom::thread;

fn any_of_made_while_an_input_is_cancelled(with_children: bool) {
    loom::model(move || {
        let input = CancellationToken::new();
        // The canceller marks the token, then the branch.
        let _child = with_children.then(|| input.child_token());
        let other = CancellationToken::new();
        let maker = thread::spawn({
            let (input, other) = (input.clone(), other.clone());
            move || {
                let before = input.is_cancelled();
                let any = CancellationToken::any_of([&other, &input]).unwrap();
                assert!(!before || any.is_cancelled());
                any
            }
        });
        assert!(input.try_cancel());
        let any = maker.join().unwrap();
        assert!(any.is_cancelled());
        assert_eq!(any.cancelled_input(), Some(1));
    });
}

#[test]
fn r13_any_of_with_cancel_of_two_inputs() {
    bounded(|| {
        let inputs = [CancellationToken::new(), CancellationToken::new()];
        let any = CancellationToken::any_of(&inputs).unwrap();
        let cancellers = inputs
            .clone()
            .map(|input| thread::spawn(move || input.try_cancel()));
        let waiting = wait_on(any.child_token());
        cancellers
            .into_iter()
            .for_each(|canceller| assert!(canceller.join().unwrap()));
        never_lost(waiting);
        let which = any.cancelled_input().unwrap();
        assert!(
            any.cause()
                .unwrap()
                .is_same(&inputs[which].cause().unwrap())
        );
    });
}

#[test]
fn r13_any_of_made_while_an_input_is_cancelled() {
    any_of_made_while_an_input_is_cancelled(false);
}

#[test]
fn r13_any_of_made_while_an_input_with_children_is_cancelled() {
    any_of_made_while_an_input_is_cancelled(true);
}

#[test]
fn r13_all_of_with_cancel_of_two_inputs() {
    bounded(|| {
        let inputs = [CancellationToken::new(), CancellationToken::new()];
        let all = CancellationToken::all_of(&inputs).unwrap();
        let canceller = thread::spawn({
            let input = inputs[0].clone();
            move || input.try_cancel()
        });
        let waiting = wait_on(all.clone());
        assert!(inputs[1].try_cancel());
        canceller.join().unwrap();
        never_lost(waiting);
    });
}

/// Each call is the first to reach one join, and the second to reach the other.
#[test]
fn r06_r13_two_cancels_that_meet_each_other_end() {
    bounded(|| {
        let inputs = [CancellationToken::new(), CancellationToken::new()];
        let [a, b] = &inputs;
        let joins = [[a, b], [b, a]].map(|two| CancellationToken::any_of(two).unwrap());
        let leaves = joins.clone().map(|join| join.child_token().child_token());
        let other = thread::spawn({
            let a = a.clone();
            move || a.try_cancel()
        });
        assert!(b.try_cancel());
        assert!(
            leaves.iter().all(CancellationToken::is_cancelled),
            "cancel returned before it reached a descendant"
        );
        assert!(other.join().unwrap());
    });
}

#[test]
fn r13_any_of_has_the_cause_of_its_input() {
    bounded(|| {
        let root = CancellationToken::new();
        let input = root.child_token();
        let any = CancellationToken::any_of([&input, &CancellationToken::new()]).unwrap();
        let other = thread::spawn({
            let input = input.clone();
            move || input.cancel_with("input")
        });
        root.cancel_with("root");
        assert!(any.is_cancelled());
        assert!(any.cause().unwrap().is_same(&input.cause().unwrap()));
        other.join().unwrap();
    });
}
