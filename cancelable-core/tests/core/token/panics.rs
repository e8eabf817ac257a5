//! Wakers and callbacks that panic or block, and stop no other (R10).

use crate::support::hand::{OnDrop, Sleeper, wait_with};
use cancelable_core::token::{WaitForCancellationFutureOwned, isolated_panics};
use cancelable_core::{CancellationToken, Cause, Reason};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

#[test]
fn r10_one_waker_of_three_panics_and_the_others_wake() {
    for panics in 0..3 {
        let before = isolated_panics();
        let root = CancellationToken::new();
        let child = root.child_token();
        let mut sleepers = Vec::new();
        let mut hostile = None;
        for place in 0..3 {
            if place == panics {
                hostile = Some(wait_with(&child, || panic!("a waker of the test's")));
            } else {
                sleepers.push(Sleeper::on(&child));
            }
        }
        let below = Sleeper::on(&child.child_token());
        let ran = Arc::new(AtomicUsize::new(0));
        root.on_cancel({
            let ran = ran.clone();
            move |_| {
                ran.fetch_add(1, SeqCst);
            }
        })
        .detach();
        assert!(root.try_cancel());
        assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 1));
        assert_eq!((below.wakes(), ran.load(SeqCst)), (1, 1));
        assert!(isolated_panics() > before);
        drop(hostile);
    }
}

#[test]
fn r10_a_panicking_callback_stops_no_other_and_no_child() {
    let before = isolated_panics();
    let root = CancellationToken::new();
    let child = root.child_token();
    let ran = Arc::new(AtomicUsize::new(0));
    for token in [&root, &child] {
        for panics in [false, true, false] {
            let ran = ran.clone();
            token
                .on_cancel(move |_| {
                    ran.fetch_add(1, SeqCst);
                    assert!(!panics, "a callback of the test's");
                })
                .detach();
        }
    }
    let sleeper = Sleeper::on(&child);
    assert!(root.try_cancel());
    assert_eq!((ran.load(SeqCst), sleeper.wakes()), (6, 1));
    assert!(isolated_panics() >= before + 2);
}

#[test]
fn r10_a_callback_that_panics_at_once_on_a_cancelled_token_does_not_unwind() {
    let token = CancellationToken::new();
    token.cancel();
    let before = isolated_panics();
    token
        .on_cancel(|_| panic!("a callback of the test's"))
        .detach();
    assert!(isolated_panics() > before);
}

#[test]
fn r10_a_captured_value_whose_drop_panics_stops_no_other_callback() {
    let token = CancellationToken::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = ran.clone();
        token
            .on_cancel(move |_| {
                ran.fetch_add(1, SeqCst);
            })
            .detach();
    };
    count();
    let bomb = OnDrop(|| panic!("a drop of the test's"));
    token.on_cancel(move |_| drop(bomb)).detach();
    let bomb = OnDrop(|| panic!("a drop of the test's"));
    token
        .on_cancel(move |_| {
            let _ = &bomb;
        })
        .detach();
    count();
    let before = isolated_panics();
    assert!(token.try_cancel());
    assert_eq!(ran.load(SeqCst), 2);
    assert!(isolated_panics() >= before + 2);
}

#[test]
fn r10_dropping_a_token_whose_callback_panics_in_its_drop_does_not_unwind() {
    let token = CancellationToken::new();
    let dropped = Arc::new(());
    for _ in 0..3 {
        let (held, bomb) = (dropped.clone(), OnDrop(|| panic!("a drop of the test's")));
        token
            .on_cancel(move |_| {
                let _ = (&held, &bomb);
            })
            .detach();
    }
    let before = isolated_panics();
    drop(token);
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert!(isolated_panics() >= before + 3);
}

#[test]
fn r10_a_panics_payload_may_panic_in_its_drop() {
    let token = CancellationToken::new();
    let _waits: Vec<WaitForCancellationFutureOwned> = (0..2)
        .map(|_| wait_with(&token, || panic_any(Bomb)))
        .collect();
    token.on_cancel(|_| panic_any(Bomb)).detach();
    let sleeper = Sleeper::on(&token);
    let before = isolated_panics();
    assert!(token.try_cancel());
    assert_eq!(sleeper.wakes(), 1);
    assert!(isolated_panics() >= before + 3);
}

/// A payload whose drop panics with a payload of the same kind, without end.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Self);
    }
}

#[test]
fn r10_a_guard_that_cancels_while_a_panic_unwinds_serves_every_waiter() {
    let token = CancellationToken::new();
    let _hostile = wait_with(&token, || panic!("a waker of the test's"));
    let sleeper = Sleeper::on(&token);
    let ran = Arc::new(AtomicUsize::new(0));
    token
        .on_cancel({
            let ran = ran.clone();
            move |_| {
                ran.fetch_add(1, SeqCst);
                panic!("a callback of the test's");
            }
        })
        .detach();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _guard = token.drop_guard_ref();
        panic!("the work fails");
    }));
    let payload = outcome.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the work fails"));
    assert_eq!((sleeper.wakes(), ran.load(SeqCst)), (1, 1));
}

#[test]
fn r10_wakers_are_served_before_callbacks_in_the_whole_tree() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let order = order.clone();
        move || order.lock().push(what)
    };
    let callback = |token: &CancellationToken| {
        let note = note("callback");
        token.on_cancel(move |_| note()).detach();
    };
    callback(&root);
    callback(&child);
    let _waits = [
        wait_with(&root, note("waker")),
        wait_with(&child.child_token(), note("waker")),
        wait_with(&child, note("waker")),
    ];
    root.cancel();
    assert_eq!(
        *order.lock(),
        ["waker", "waker", "waker", "callback", "callback"]
    );
}

#[test]
fn r10_a_callback_that_blocks_for_ever_starves_no_waiter_and_no_child() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let leaf = child.child_token();
    let sleepers = [&root, &child, &leaf].map(Sleeper::on);
    let (started, starts) = channel();
    let (release, for_ever) = channel::<()>();
    root.on_cancel(move |_| {
        started.send(()).unwrap();
        // Ends when the test is over and drops the sender.
        let _ = for_ever.recv();
    })
    .detach();
    let canceller = thread::spawn({
        let root = root.clone();
        move || root.try_cancel()
    });
    starts.recv().unwrap();
    for (token, mut sleeper) in [&root, &child, &leaf].into_iter().zip(sleepers) {
        assert!(token.is_cancelled() && token.cause().is_some());
        assert_eq!(sleeper.wakes(), 1);
        assert!(sleeper.poll().is_ready());
        token.wait();
        // The token stays usable: another callback runs here, and another cancel does not wait.
        token.on_cancel(|_| ()).detach();
        assert!(!token.try_cancel());
        assert!(token.child_token().is_cancelled());
    }
    drop(release);
    assert!(canceller.join().unwrap());
}

type AtEnd = OnDrop<Box<dyn FnMut()>>;

thread_local! {
    static AT_THREAD_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

#[test]
fn r10_a_cancel_in_the_drop_of_a_thread_local_does_not_unwind() {
    let token = CancellationToken::new();
    let sleeper = Sleeper::on(&token);
    let ran = Arc::new(AtomicUsize::new(0));
    let registration = token.on_cancel({
        let ran = ran.clone();
        move |_| {
            ran.fetch_add(1, SeqCst);
        }
    });
    thread::spawn(move || {
        let mut registration = Some(registration);
        let act: Box<dyn FnMut()> = Box::new(move || {
            token.cancel();
            drop(registration.take());
        });
        AT_THREAD_END.with(|slot| *slot.borrow_mut() = Some(OnDrop(act)));
    })
    .join()
    .unwrap();
    assert_eq!((sleeper.wakes(), ran.load(SeqCst)), (1, 1));
}

/// An error whose drop panics.
#[derive(Debug)]
struct Spiteful;

impl Display for Spiteful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spite")
    }
}

impl Error for Spiteful {}

impl Drop for Spiteful {
    fn drop(&mut self) {
        panic!("the drop of an error of the test's");
    }
}

fn spiteful() -> Cause {
    Cause::new(Reason::Requested).with_error(Arc::new(Spiteful))
}

#[test]
fn r10_a_cancel_does_not_unwind_when_it_drops_its_cause() {
    let root = CancellationToken::new();
    let child = root.child_token();
    root.cancel();
    for token in [root, child, CancellationToken::never()] {
        let before = isolated_panics();
        let answer = catch_unwind(|| token.cancel_with(spiteful()));
        assert_eq!(answer.ok(), Some(false));
        assert!(isolated_panics() > before);
    }
}

#[cfg(feature = "scope")]
#[test]
fn r10_a_cancel_of_a_scope_does_not_unwind_when_it_drops_its_cause() {
    use cancelable_core::Scope;
    let scope = Scope::builder("s").build().expect("it needs no runtime");
    assert!(scope.cancel_with(Reason::Requested));
    let cancels: [fn(&Scope) -> bool; 2] = [
        |scope| scope.cancel_with(spiteful()),
        |scope| scope.cancel_now(spiteful()),
    ];
    for cancel in cancels {
        let answer = catch_unwind(AssertUnwindSafe(|| cancel(&scope)));
        assert_eq!(answer.ok(), Some(false));
    }
}

#[test]
fn r10_the_last_owner_of_a_cause_does_not_unwind_when_it_drops_it() {
    let token = CancellationToken::new();
    assert!(token.cancel_with(spiteful()));
    let copy = token.cause().map(|cause| cause.with_message("a copy"));
    drop(copy);
    let before = isolated_panics();
    assert!(catch_unwind(|| drop(token)).is_ok());
    assert!(isolated_panics() > before);
}
