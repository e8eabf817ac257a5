//! Cancelling: one winner, its cause, and the order in which other threads see them (R1 to R5).

use crate::support::hand::{Numbers, Sleeper};
use cancelable_core::{CancellationToken, Cause, Reason};
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

#[test]
fn r01_a_second_cancel_returns_false() {
    let token = CancellationToken::new();
    assert!(token.try_cancel());
    assert!(!token.try_cancel());
    let clone = token.clone();
    assert!(!clone.cancel_with("again") && !token.try_cancel());
}

#[test]
fn r01_one_of_many_racing_callers_wins() {
    for round in 0..200 {
        let root = CancellationToken::new();
        // A child's cancel takes another path than a root's.
        let token = if round % 2 == 0 {
            root.clone()
        } else {
            root.child_token()
        };
        let start = Barrier::new(4);
        let winners: usize = thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        usize::from(token.try_cancel())
                    })
                })
                .collect();
            callers.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(winners, 1);
    }
}

#[test]
fn r01_a_parents_cancel_and_a_childs_are_two_cancels() {
    let parent = CancellationToken::new();
    let child = parent.child_token();
    assert!(child.try_cancel());
    assert!(parent.try_cancel());
    let late = parent.child_token();
    assert!(!late.try_cancel(), "the child is cancelled from the start");
}

#[test]
fn r02_the_first_cause_is_kept_whole() {
    let token = CancellationToken::new();
    let error = std::io::Error::other("disk gone");
    let cause = Cause::new(Reason::Resource)
        .with_message("no room")
        .with_error(Arc::new(error));
    let line = line!() - 3;
    assert_eq!(cause.time(), None, "no token is cancelled with it");
    assert!(token.cancel_with(cause));
    let first = token.cause().unwrap();
    let at = token.cancelled_at();
    assert!(at.is_some() && first.time() == at);

    assert!(!token.cancel_with(Cause::new(Reason::ShuttingDown).with_message("later")));
    let last = token.cause().unwrap();
    assert!(first.is_same(&last));
    assert_eq!(token.reason(), Some(Reason::Resource));
    assert_eq!(token.message().as_deref(), Some("no room"));
    assert_eq!(token.cancelled_at(), at);
    assert_eq!(
        (last.location().file(), last.location().line()),
        (file!(), line)
    );
    assert_eq!(last.error().unwrap().to_string(), "disk gone");
    assert!(!last.is_inherited());
}

#[test]
fn r02_a_token_that_is_not_cancelled_has_no_cause() {
    let token = CancellationToken::new().child_token();
    assert!(token.cause().is_none() && token.reason().is_none());
    assert!(token.message().is_none() && token.cancelled_at().is_none());
    assert!(token.check().is_ok());
}

#[test]
fn r02_an_earlier_cause_of_a_child_survives_its_parents_cancel() {
    let parent = CancellationToken::new();
    let child = parent.child_token();
    let below = child.child_token();
    child.cancel_with("child");
    parent.cancel_with("parent");
    assert_eq!(child.message().as_deref(), Some("child"));
    assert!(!child.cause().unwrap().is_inherited());
    assert_eq!(below.message().as_deref(), Some("child"));
    assert!(below.cause().unwrap().is_inherited());
}

/// Returns the location of a token's cause.
fn place(token: &CancellationToken) -> &'static Location<'static> {
    token.cause().expect("it was cancelled").location()
}

#[test]
fn r02_every_way_to_cancel_has_the_location_of_its_caller() {
    type Cancel = fn(&CancellationToken) -> u32;
    let ways: [(Cancel, Reason); 7] = [
        (|token| (token.cancel(), line!()).1, Reason::Requested),
        (
            |token| (token.cancel_with("text"), line!()).1,
            Reason::Requested,
        ),
        (
            |token| (token.cancel_with(String::from("text")), line!()).1,
            Reason::Requested,
        ),
        (
            |token| (token.cancel_with(Reason::Condition), line!()).1,
            Reason::Condition,
        ),
        (
            |token| (token.cancel_with(Cause::new(Reason::File)), line!()).1,
            Reason::File,
        ),
        (
            |token| (drop(token.clone().drop_guard()), line!()).1,
            Reason::GuardDropped,
        ),
        (
            |token| (drop(token.drop_guard_ref()), line!()).1,
            Reason::GuardDropped,
        ),
    ];
    for (cancel, reason) in ways {
        let token = CancellationToken::new();
        let line = cancel(&token);
        assert_eq!(
            (place(&token).file(), place(&token).line()),
            (file!(), line)
        );
        assert_eq!(token.reason(), Some(reason));
    }
}

#[test]
fn r02_a_cause_from_another_token_keeps_its_time() {
    let first = CancellationToken::new();
    first.cancel_with(Reason::TimedOut {
        limit: Duration::from_secs(3),
    });
    let second = CancellationToken::new();
    second.cancel_with(first.cause().unwrap());
    assert!(first.cause().unwrap().is_same(&second.cause().unwrap()));
    assert_eq!(first.cancelled_at(), second.cancelled_at());
    assert!(!second.cause().unwrap().is_inherited());
}

#[test]
fn r02_a_given_time_is_not_replaced() {
    let earlier = CancellationToken::new();
    earlier.cancel();
    let at = earlier.cancelled_at().unwrap() + Duration::from_secs(1000);
    let token = CancellationToken::new();
    token.cancel_with(Cause::new(Reason::DeadlineReached).with_time(at));
    assert_eq!(token.cancelled_at(), Some(at));
}

#[test]
fn r03_r04_a_thread_that_sees_the_flag_sees_the_cause_and_earlier_writes() {
    for round in 0..500 {
        let root = CancellationToken::new();
        let token = match round % 3 {
            0 => root.clone(),
            1 => root.child_token(),
            _ => root.child_token().child_token(),
        };
        let written = AtomicUsize::new(0);
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // Ends: the other thread cancels.
                while !token.is_cancelled() {
                    std::hint::spin_loop();
                }
                assert_eq!(token.message().as_deref(), Some("stop"));
                assert_eq!(written.load(Relaxed), 1);
            });
            start.wait();
            written.store(1, Relaxed);
            root.cancel_with("stop");
        });
    }
}

#[test]
fn r04_a_callback_sees_the_writes_before_the_cancel() {
    let token = CancellationToken::new();
    let written = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(AtomicUsize::new(0));
    token
        .on_cancel({
            let (written, seen) = (written.clone(), seen.clone());
            move |_| seen.store(written.load(Relaxed), Relaxed)
        })
        .detach();
    written.store(7, Relaxed);
    thread::spawn(move || token.try_cancel()).join().unwrap();
    assert_eq!(seen.load(Relaxed), 7);
}

/// If each call climbed the chain, the test would take 10^12 steps.
#[test]
fn r05_is_cancelled_does_not_climb_the_chain() {
    let mut chain = vec![CancellationToken::new()];
    for _ in 0..1_000_000 {
        chain.push(chain[chain.len() - 1].child_token());
    }
    let leaf = &chain[chain.len() - 1];
    for _ in 0..1_000_000 {
        assert!(!std::hint::black_box(leaf).is_cancelled());
    }
    chain[0].cancel();
    for _ in 0..1_000_000 {
        assert!(std::hint::black_box(leaf).is_cancelled());
    }
}

/// Reads the source, because no public call holds a token's lock.
#[test]
fn r05_is_cancelled_takes_no_lock_and_writes_nothing() {
    let sources = [
        include_str!("../../../src/token/node.rs"),
        include_str!("../../../src/token/branch.rs"),
        include_str!("../../../src/token/handle.rs"),
    ];
    let mut bodies = 0;
    for source in sources {
        for name in ["fn is_cancelled(&self)", "fn is_marked_cancelled(&self)"] {
            for (start, _) in source.match_indices(name) {
                let body = &source[start..];
                let body = &body[..body.find("\n    }").unwrap()];
                bodies += 1;
                for costly in [
                    "lock(",
                    "store(",
                    "swap(",
                    "compare_exchange",
                    "fetch_",
                    "clone(",
                ] {
                    assert!(!body.contains(costly), "{name} has {costly}: {body}");
                }
            }
        }
    }
    assert_eq!(bodies, 4, "the functions were renamed: rename them here");
}

#[test]
fn never_is_never_cancelled_and_its_children_are_roots() {
    let never = CancellationToken::never();
    assert!(!never.try_cancel() && !never.is_cancelled());
    assert!(never.cause().is_none() && never.check().is_ok());
    let mut sleeper = Sleeper::on(&never);
    never.on_cancel(|_| unreachable!()).detach();
    let child = never.child_token();
    assert!(child.try_cancel());
    assert!(!child.cause().unwrap().is_inherited());
    assert!(!never.is_cancelled() && sleeper.poll().is_pending());
    assert_eq!(sleeper.wakes(), 0);
    assert!(!never.wait_timeout(Duration::ZERO));
}

#[test]
fn r01_r02_racing_cancels_of_a_chain_agree_on_one_cause_each() {
    let mut numbers = Numbers::from_seed(1);
    for _ in 0..200 {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let leaf = middle.child_token();
        let tokens = [root, middle, leaf];
        let mut order = [0, 1, 2];
        numbers.shuffle(&mut order);
        let start = Barrier::new(3);
        let won: Vec<bool> = thread::scope(|scope| {
            let callers: Vec<_> = order
                .map(|which| {
                    let (token, start) = (&tokens[which], &start);
                    scope.spawn(move || {
                        start.wait();
                        (which, token.cancel_with(["root", "middle", "leaf"][which]))
                    })
                })
                .into();
            let mut won = vec![false; 3];
            for caller in callers {
                let (which, did) = caller.join().unwrap();
                won[which] = did;
            }
            won
        });
        assert!(won[0]);
        for (which, token) in tokens.iter().enumerate() {
            let cause = token.cause().unwrap();
            // A token whose own cancel won keeps that cause. Any other token has a cause from above.
            assert_eq!(won[which], !cause.is_inherited());
            if won[which] {
                assert_eq!(cause.message(), Some(["root", "middle", "leaf"][which]));
            }
        }
    }
}
