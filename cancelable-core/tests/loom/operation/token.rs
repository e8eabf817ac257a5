//! An operation's token, made on demand beside a cancel or the end (R1, R2, R3, R14, R16).

use crate::support::{
    TaskQueue, Wakes, bounded, finish, finish_after, output_of, poll_with, scope, wait_once,
};
use cancelable_core::{CancellationToken, Cause, Operation, Outcome, Reason, Scope};
use loom::thread;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A run that waits, and what its scope is a part of if it is to be of anything.
fn waiting(
    above: Option<&Scope>,
) -> (
    Scope,
    Pin<Box<dyn Future<Output = Outcome<()>>>>,
    Arc<Wakes>,
) {
    let wakes = Arc::new(Wakes::default());
    let builder = Scope::builder("model").detached();
    let builder = match above {
        Some(above) => builder.parent(above),
        None => builder,
    };
    let scope = builder.build().unwrap();
    let mut run = Box::pin(scope.run(|_| pending()));
    assert!(poll_with(run.as_mut(), &wakes).is_pending());
    (scope, run, wakes)
}

/// The token is requested while the run is polled again, which has waited without a token.
#[test]
fn r16_a_cancel_of_a_token_that_is_made_meanwhile_wakes_the_run() {
    bounded(|| {
        let above = Scope::builder("above").detached().build().unwrap();
        for above in [None, Some(&above)] {
            let (scope, mut run, wakes) = waiting(above);
            let operation = scope.operation().clone();
            let other = thread::spawn(move || assert!(operation.token().try_cancel()));
            let seen = wakes.count();
            let early = poll_with(run.as_mut(), &wakes);
            other.join().unwrap();
            let outcome = finish_after(early, run.as_mut(), &wakes, seen);
            assert!(outcome.is_cancelled());
            assert_eq!(outcome.cause().map(Cause::is_inherited), Some(false));
        }
    });
}

/// The token is requested before the run has begun its wait.
#[test]
fn r16_a_cancel_of_a_token_that_is_made_beside_the_first_poll_is_seen() {
    bounded(|| {
        let wakes = Arc::new(Wakes::default());
        let scope = Scope::builder("model").detached().build().unwrap();
        let mut run = Box::pin(scope.run(|_| pending::<()>()));
        let operation = scope.operation().clone();
        let other = thread::spawn(move || assert!(operation.cancel_with(Reason::Requested)));
        let early = poll_with(run.as_mut(), &wakes);
        other.join().unwrap();
        let outcome = finish_after(early, run.as_mut(), &wakes, 0);
        assert!(outcome.is_cancelled());
    });
}

/// A cause that was seen does not change, wherever the token was when it was.
#[test]
fn r02_the_token_is_asked_for_beside_a_cancel_from_above() {
    bounded(|| {
        let above = Scope::builder("above").detached().build().unwrap();
        let (scope, mut run, wakes) = waiting(Some(&above));
        let seen = wakes.count();
        let operation = scope.operation().clone();
        let other = thread::spawn(move || {
            let before = operation.is_cancelled();
            let won = operation.cancel_with("its own");
            assert!(!(before && won), "it was cancelled before");
            (operation.cause().unwrap(), won)
        });
        above.cancel();
        let cause = scope.cause().unwrap();
        let (theirs, won) = other.join().unwrap();
        assert!(cause.is_same(&theirs));
        assert_eq!(cause.is_inherited(), !won);
        let outcome = finish(run.as_mut(), &wakes, seen);
        assert!(outcome.cause().unwrap().is_same(&cause));
    });
}

#[test]
fn r01_two_threads_ask_for_the_token_and_cancel_it_once() {
    bounded(|| {
        let (scope, mut run, wakes) = waiting(None);
        let seen = wakes.count();
        let operation = scope.operation().clone();
        let other = thread::spawn(move || {
            (
                operation.cancel_with(Reason::Requested),
                operation.token().clone(),
            )
        });
        let won = scope.cancel_with(Reason::Requested);
        let (theirs, token) = other.join().unwrap();
        assert_ne!(won, theirs);
        assert_eq!(&token, scope.token());
        assert!(finish(run.as_mut(), &wakes, seen).is_cancelled());
    });
}

#[test]
fn r14_a_token_that_is_handed_out_beside_the_end_is_cancelled_for_it() {
    bounded(|| {
        let scope = scope(&TaskQueue::new());
        let operation = scope.operation().clone();
        let other = thread::spawn(move || wait_once(operation.token().clone().cancelled_owned()));
        let run = poll_with(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        output_of(other.join().unwrap());
        assert_eq!(scope.token().reason(), Some(Reason::ScopeEnded));
        assert!(scope.cause().is_none());
    });
}

#[test]
fn r14_the_token_is_cancelled_by_the_end_or_by_the_last_that_ends_inside_beside_it() {
    bounded(|| {
        let scope = scope(&TaskQueue::new());
        let inside = scope.child("inside").build().unwrap();
        let token = scope.token().clone();
        let other = thread::spawn(move || drop(inside));
        let run = poll_with(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        other.join().unwrap();
        assert_eq!(token.reason(), Some(Reason::ScopeEnded));
    });
}

#[test]
fn r01_r34_a_cancel_beside_the_end_is_on_record_or_answers_false() {
    for has_token in [false, true] {
        bounded(move || {
            let scope = scope(&TaskQueue::new());
            if has_token {
                drop(scope.token().clone());
            }
            let operation = scope.operation().clone();
            let other = thread::spawn(move || operation.cancel_with(Reason::Requested));
            let run = poll_with(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
            let Poll::Ready(outcome) = run else {
                panic!("its body is ready, or was never started")
            };
            let won = other.join().unwrap();
            assert_eq!(scope.cause().is_some(), won);
            assert_eq!(outcome.cause().is_some(), won);
        });
    }
}

/// The parent's token reports cancelled before its descendants do, because it reads its parent's branch.
#[test]
fn r01_a_scope_that_was_seen_cancelled_stays_so_while_its_token_is_made() {
    bounded(|| {
        let root = CancellationToken::new();
        let above = Scope::builder("above").detached().token(&root);
        let above = above.build().unwrap();
        let scope = above.child("model").build().unwrap();
        let looks = |operation: Operation| {
            thread::spawn(move || {
                let before = operation.is_cancelled();
                assert!(!before || operation.is_cancelled());
                assert!(!before || operation.cause().is_some());
            })
        };
        let one = looks(scope.operation().clone());
        let two = thread::spawn({
            let operation = scope.operation().clone();
            move || drop(operation.token().clone())
        });
        root.cancel();
        assert!(scope.is_cancelled());
        one.join().unwrap();
        two.join().unwrap();
    });
}

/// The parent's token reports cancelled, and the scope's own token, which was made meanwhile, does not yet.
#[test]
fn r03_a_run_does_not_end_for_a_cancel_that_its_own_token_does_not_know_yet() {
    bounded(|| {
        let root = CancellationToken::new();
        let above = Scope::builder("above").detached().token(&root);
        let above = above.build().unwrap();
        let (scope, mut run, wakes) = waiting(Some(&above));
        let seen = wakes.count();
        let asks = thread::spawn({
            let operation = scope.operation().clone();
            move || drop(operation.token().clone())
        });
        let cancels = thread::spawn(move || root.cancel_with("from above"));
        let early = poll_with(run.as_mut(), &wakes);
        if let Poll::Ready(outcome) = &early {
            assert!(outcome.cause().is_some(), "cancelled without a cause");
        }
        asks.join().unwrap();
        assert!(cancels.join().unwrap());
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert!(outcome.is_cancelled());
        let cause = outcome.cause().expect("it was cancelled");
        assert_eq!(cause.message(), Some("from above"));
    });
}
