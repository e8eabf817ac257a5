//! Joins: tokens that are cancelled by the first, or by the last, of several input tokens (R13).

use crate::support::hand::{Sleeper, wait_with};
use cancelable_core::CancellationToken;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

fn tokens<const N: usize>() -> [CancellationToken; N] {
    std::array::from_fn(|_| CancellationToken::new())
}

#[test]
fn r13_any_of_is_cancelled_by_the_first_input_and_names_it() {
    for first in 0..3 {
        let inputs: [_; 3] = tokens();
        let any = CancellationToken::any_of(&inputs).unwrap();
        let below = any.child_token();
        let sleepers = [&any, &below].map(Sleeper::on);
        assert!(!any.is_cancelled() && any.cancelled_input().is_none());
        inputs[first].cancel_with("first");
        inputs[(first + 1) % 3].cancel_with("second");
        assert!(any.is_cancelled() && below.is_cancelled());
        assert_eq!(any.cancelled_input(), Some(first));
        let cause = any.cause().unwrap();
        assert!(cause.is_same(&inputs[first].cause().unwrap()) && cause.is_inherited());
        assert!(below.cause().unwrap().is_same(&cause));
        assert!(!inputs[(first + 2) % 3].is_cancelled());
        assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 1));
    }
}

#[test]
fn r13_any_of_a_cancelled_token_is_cancelled_from_the_start() {
    let [live, dead] = tokens();
    dead.cancel_with("stop");
    for dead in [dead.clone(), dead.child_token()] {
        let any = CancellationToken::any_of([&live, &dead]).unwrap();
        assert_eq!(any.cancelled_input(), Some(1));
        assert_eq!(any.message().as_deref(), Some("stop"));
    }
}

#[test]
fn r13_any_of_is_cancelled_by_an_ancestor_of_an_input() {
    let root = CancellationToken::new();
    let parent = root.child_token();
    let input = parent.child_token();
    drop(parent);
    let other = CancellationToken::new();
    let any = CancellationToken::any_of([&other, &input]).unwrap();
    // The join is cancelled although the input has no handle.
    drop(input);
    let sleeper = Sleeper::on(&any);
    root.cancel_with("stop");
    assert_eq!(sleeper.wakes(), 1);
    assert_eq!(any.cancelled_input(), Some(1));
    assert!(any.cause().unwrap().is_same(&root.cause().unwrap()));
}

#[test]
fn r13_any_of_ignores_repeated_inputs_and_those_that_cannot_be_cancelled() {
    let [a, b] = tokens();
    let never = CancellationToken::never();
    let any = CancellationToken::any_of([&never, &a, &a.clone(), &b, &a]).unwrap();
    b.cancel();
    assert_eq!(
        any.cancelled_input(),
        Some(3),
        "the place among those given"
    );
    let any = CancellationToken::any_of([&never, &a, &a]).unwrap();
    a.cancel();
    assert_eq!(any.cancelled_input(), Some(1), "the first of equal inputs");
    let only_never = CancellationToken::any_of([&never, &CancellationToken::never()]).unwrap();
    assert!(!only_never.try_cancel() && !only_never.is_cancelled());
}

#[test]
fn r13_the_join_itself_can_be_cancelled_and_cancels_no_input() {
    type Join = fn(&[CancellationToken]) -> CancellationToken;
    let joins: [Join; 2] = [
        |inputs| CancellationToken::any_of(inputs).unwrap(),
        |inputs| CancellationToken::all_of(inputs).unwrap(),
    ];
    for join in joins {
        let inputs: [_; 2] = tokens();
        let joined = join(&inputs);
        assert!(joined.cancel_with("own"));
        assert!(inputs.iter().all(|input| !input.is_cancelled()));
        assert_eq!(joined.cancelled_input(), None);
        inputs.iter().for_each(|input| assert!(input.try_cancel()));
        assert_eq!(joined.message().as_deref(), Some("own"));
        assert_eq!(joined.cancelled_input(), None);
    }
}

#[test]
fn r13_a_join_without_inputs_is_an_error() {
    let none: [CancellationToken; 0] = [];
    let error = CancellationToken::any_of(&none).unwrap_err();
    assert_eq!(error, CancellationToken::all_of(none).unwrap_err());
    assert_eq!(
        error.to_string(),
        "the argument `tokens` is empty: give at least one"
    );
}

#[test]
fn r13_all_of_waits_for_the_last_in_every_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let inputs: [_; 3] = tokens();
        let all = CancellationToken::all_of(&inputs).unwrap();
        let sleeper = Sleeper::on(&all);
        for which in order {
            assert!(!all.is_cancelled() && sleeper.wakes() == 0);
            inputs[which].cancel();
            // A second cancel of the same input does not count.
            inputs[which].cancel();
        }
        assert_eq!(sleeper.wakes(), 1);
        assert_eq!(all.cancelled_input(), Some(order[2]));
        assert!(
            all.cause()
                .unwrap()
                .is_same(&inputs[order[2]].cause().unwrap())
        );
    }
}

#[test]
fn r13_all_of_counts_cancelled_repeated_and_related_inputs_correctly() {
    let [live, dead] = tokens();
    dead.cancel();
    let all = CancellationToken::all_of([&dead, &live, &live.clone(), &dead]).unwrap();
    assert!(!all.is_cancelled());
    live.cancel();
    assert_eq!(all.cancelled_input(), Some(1));

    let all_dead = CancellationToken::all_of([&dead, &live]).unwrap();
    assert!(all_dead.is_cancelled());

    let parent = CancellationToken::new();
    let child = parent.child_token();
    let family = CancellationToken::all_of([&parent, &child]).unwrap();
    child.cancel();
    assert!(!family.is_cancelled());
    parent.cancel();
    assert!(family.is_cancelled());

    let with_never = CancellationToken::all_of([&dead, &CancellationToken::never()]).unwrap();
    assert!(!with_never.is_cancelled() && with_never.try_cancel());
}

#[test]
fn r13_joins_nest() {
    let inputs: [_; 4] = tokens();
    let either = CancellationToken::any_of(&inputs[..2]).unwrap();
    let both = CancellationToken::all_of(&inputs[2..]).unwrap();
    let all = CancellationToken::all_of([&either, &both]).unwrap();
    let any = CancellationToken::any_of([&either, &both]).unwrap();
    let sleepers = [&all, &any].map(Sleeper::on);
    inputs[1].cancel_with("one");
    assert_eq!(
        (any.cancelled_input(), all.is_cancelled()),
        (Some(0), false)
    );
    inputs[2].cancel();
    assert!(!all.is_cancelled());
    inputs[3].cancel_with("three");
    assert_eq!(all.cancelled_input(), Some(1));
    assert_eq!(all.message().as_deref(), Some("three"));
    assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 1));
}

#[test]
fn r09_r13_a_join_made_in_the_middle_of_its_inputs_cancel_is_cancelled() {
    let root = CancellationToken::new();
    let first = root.child_token();
    let input = root.child_token();
    let _branch = input.child_token();
    let seen = Arc::new(AtomicUsize::new(0));
    let made = Arc::new(Mutex::new(None));
    let _wait = wait_with(&first, {
        let (seen, made) = (seen.clone(), made.clone());
        move || {
            let any = CancellationToken::any_of([&CancellationToken::new(), &input]).unwrap();
            seen.fetch_add(usize::from(any.is_cancelled()), SeqCst);
            *made.lock() = Some(CancellationToken::all_of([&input]).unwrap());
        }
    });
    root.cancel();
    assert_eq!(seen.load(SeqCst), 1);
    assert!(made.lock().as_ref().unwrap().is_cancelled());
}

#[test]
fn r13_racing_cancels_of_all_inputs_agree_with_the_answer() {
    for _ in 0..200 {
        let inputs: [_; 3] = tokens();
        let any = CancellationToken::any_of(&inputs).unwrap();
        let all = CancellationToken::all_of(&inputs).unwrap();
        let sleepers = [&any, &all].map(Sleeper::on);
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for input in &inputs {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    input.cancel();
                });
            }
        });
        for (join, sleeper) in [&any, &all].into_iter().zip(sleepers) {
            assert_eq!(sleeper.wakes(), 1);
            let which = join.cancelled_input().unwrap();
            assert!(
                join.cause()
                    .unwrap()
                    .is_same(&inputs[which].cause().unwrap())
            );
        }
    }
}

/// In quadratic time this would take a quarter of an hour.
#[test]
fn r13_a_join_of_a_million_tokens_is_cancelled_in_linear_time() {
    let root = CancellationToken::new();
    let inputs: Vec<_> = (0..1_000_000).map(|_| root.child_token()).collect();
    let all = CancellationToken::all_of(&inputs).unwrap();
    root.cancel();
    assert_eq!(all.cancelled_input(), Some(999_999));
}

#[test]
fn r12_r13_joins_are_dropped_in_any_order_with_their_inputs() {
    for order in 0..6 {
        let mut inputs = [CancellationToken::new(), CancellationToken::new()].map(Some);
        let weak = [0, 1].map(|which| {
            inputs[which]
                .as_ref()
                .map(CancellationToken::downgrade)
                .unwrap()
        });
        let any = CancellationToken::any_of(inputs.iter().flatten()).unwrap();
        let sleeper = Sleeper::on(&any);
        let mut any = Some((any, sleeper));
        for step in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ][order]
        {
            match step {
                2 => any = None,
                which => inputs[which] = None,
            }
        }
        assert!(any.is_none() && weak.iter().all(|weak| weak.upgrade().is_none()));
    }
}
