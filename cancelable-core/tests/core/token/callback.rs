//! Callbacks run once or never; a registration waits for its own callback only (R7, R8).

use crate::support::hand::wait_with;
use cancelable_core::CancellationToken;
use cancelable_core::token::CallbackRegistration;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

/// Registers a callback that counts its runs.
fn counted(token: &CancellationToken) -> (CallbackRegistration, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let registration = token.on_cancel({
        let runs = runs.clone();
        move |_| {
            runs.fetch_add(1, SeqCst);
        }
    });
    (registration, runs)
}

#[test]
fn r07_a_callback_runs_once_with_the_cause() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for token in [&root, &child] {
        let seen = seen.clone();
        token
            .on_cancel(move |cause| {
                seen.lock()
                    .push((cause.message().map(str::to_owned), cause.is_inherited()));
            })
            .detach();
    }
    root.cancel_with("stop");
    child.cancel();
    root.cancel();
    let stop = Some("stop".to_owned());
    assert_eq!(*seen.lock(), [(stop.clone(), false), (stop, true)]);
}

#[test]
fn r07_unregistered_callbacks_never_run_and_unregister_returns_true() {
    for token in [
        CancellationToken::new(),
        CancellationToken::new().child_token(),
    ] {
        let (by_call, first) = counted(&token);
        let (by_drop, second) = counted(&token);
        let (kept, third) = counted(&token);
        let (left, fourth) = counted(&token);
        assert!(by_call.unregister());
        drop(by_drop);
        left.detach();
        token.cancel();
        let runs = [first, second, third, fourth].map(|runs| runs.load(SeqCst));
        assert_eq!(runs, [0, 0, 1, 1]);
        assert!(!kept.unregister(), "the callback has run");
    }
}

#[test]
fn r07_unregistering_drops_the_captures_of_the_callback() {
    let token = CancellationToken::new();
    let held = Arc::new(());
    let registrations = [0, 1, 2].map(|_| {
        let held = held.clone();
        token.on_cancel(move |_| drop(held))
    });
    assert_eq!(Arc::strong_count(&held), 4);
    let [first, second, third] = registrations;
    assert!(first.unregister());
    drop(second);
    assert_eq!(Arc::strong_count(&held), 2);
    token.cancel();
    assert_eq!(Arc::strong_count(&held), 1);
    drop(third);
    // A detached callback is dropped with the token.
    let token = CancellationToken::new();
    token
        .on_cancel({
            let held = held.clone();
            move |_| drop(held)
        })
        .detach();
    drop(token);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn r07_a_registration_keeps_the_token_so_that_an_ancestor_still_runs_it() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let (registration, runs) = counted(&child);
    drop(child);
    root.cancel();
    assert_eq!(runs.load(SeqCst), 1);
    drop(registration);
}

#[test]
fn r07_dropping_a_registration_waits_for_its_own_callback() {
    let token = CancellationToken::new();
    let (started, starts) = channel();
    let (finish, finishes) = channel::<()>();
    let ended = Arc::new(AtomicUsize::new(0));
    let registration = token.on_cancel({
        let ended = ended.clone();
        move |_| {
            started.send(()).unwrap();
            finishes.recv().unwrap();
            ended.store(1, SeqCst);
        }
    });
    let canceller = thread::spawn(move || token.try_cancel());
    starts.recv().unwrap();
    let (dropping, about_to_drop) = channel();
    let dropper = thread::spawn(move || {
        dropping.send(()).unwrap();
        drop(registration);
        assert_eq!(ended.load(SeqCst), 1, "the callback still runs");
    });
    about_to_drop.recv().unwrap();
    finish.send(()).unwrap();
    dropper.join().unwrap();
    assert!(canceller.join().unwrap());
}

#[test]
fn r07_unregister_does_not_wait_for_a_callback_that_runs() {
    let token = CancellationToken::new();
    let (started, starts) = channel();
    let (finish, finishes) = channel::<()>();
    let registration = token.on_cancel(move |_| {
        started.send(()).unwrap();
        finishes.recv().unwrap();
    });
    let canceller = thread::spawn(move || token.try_cancel());
    starts.recv().unwrap();
    assert!(!registration.unregister());
    finish.send(()).unwrap();
    assert!(canceller.join().unwrap());
}

/// The second callback runs, and ends after the registrations of the first and third are dropped.
#[test]
fn r07_dropping_a_registration_never_waits_for_another_callback() {
    let token = CancellationToken::new();
    let (started, starts) = channel();
    let (finish, finishes) = channel::<()>();
    let (pending, never_run) = counted(&token);
    let running = token.on_cancel(move |_| {
        started.send(()).unwrap();
        finishes.recv().unwrap();
    });
    let (has_run, once) = counted(&token);
    let canceller = thread::spawn(move || token.try_cancel());
    starts.recv().unwrap();
    assert_eq!(once.load(SeqCst), 1);
    drop(has_run);
    assert!(pending.unregister(), "the callback has not run");
    finish.send(()).unwrap();
    assert!(canceller.join().unwrap());
    drop(running);
    assert_eq!(never_run.load(SeqCst), 0);
}

#[test]
fn r07_a_callback_may_drop_its_own_registration() {
    for by_drop in [true, false] {
        let token = CancellationToken::new();
        let slot = Arc::new(Mutex::new(None::<CallbackRegistration>));
        let runs = Arc::new(AtomicUsize::new(0));
        let registration = token.on_cancel({
            let (slot, runs) = (slot.clone(), runs.clone());
            move |_| {
                let own = slot.lock().take().unwrap();
                match by_drop {
                    true => drop(own),
                    false => assert!(!own.unregister(), "the callback runs"),
                }
                runs.fetch_add(1, SeqCst);
            }
        });
        *slot.lock() = Some(registration);
        token.cancel();
        assert_eq!(runs.load(SeqCst), 1);
    }
}

#[test]
fn r07_a_callback_may_unregister_others_before_their_turn() {
    let token = CancellationToken::new();
    let slot = Arc::new(Mutex::new(Vec::new()));
    let (first, first_runs) = counted(&token);
    let (second, second_runs) = counted(&token);
    slot.lock().extend([first, second]);
    let _last = token.on_cancel({
        move |_| {
            let mut others = slot.lock().drain(..).collect::<Vec<_>>();
            assert!(others.pop().unwrap().unregister());
            drop(others);
        }
    });
    token.cancel();
    assert_eq!((first_runs.load(SeqCst), second_runs.load(SeqCst)), (0, 0));
}

#[test]
fn r07_r08_racing_registrations_and_a_cancel_run_each_callback_once() {
    for round in 0..300 {
        let root = CancellationToken::new();
        let token = match round % 2 {
            0 => root.clone(),
            _ => root.child_token(),
        };
        let start = Barrier::new(3);
        let runs = thread::scope(|scope| {
            let registrars: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        counted(&token)
                    })
                })
                .collect();
            start.wait();
            root.cancel();
            registrars
                .into_iter()
                .map(|registrar| {
                    let (registration, runs) = registrar.join().unwrap();
                    drop(registration);
                    runs.load(SeqCst)
                })
                .sum::<usize>()
        });
        assert_eq!(runs, 2);
    }
}

#[test]
fn r07_racing_unregister_and_cancel_agree() {
    for _ in 0..300 {
        let token = CancellationToken::new().child_token();
        let (registration, runs) = counted(&token);
        let start = Barrier::new(2);
        let never = thread::scope(|scope| {
            let unregistrar = scope.spawn(|| {
                start.wait();
                registration.unregister()
            });
            start.wait();
            token.cancel();
            unregistrar.join().unwrap()
        });
        assert_eq!(runs.load(SeqCst), usize::from(!never));
    }
}

#[test]
fn r08_on_a_cancelled_token_the_callback_runs_at_once_on_the_caller() {
    let root = CancellationToken::new();
    let child = root.child_token();
    root.cancel_with("stop");
    for token in [&root, &child] {
        let ran_on = Arc::new(Mutex::new(None));
        let registration = token.on_cancel({
            let ran_on = ran_on.clone();
            move |cause| {
                assert_eq!(cause.message(), Some("stop"));
                *ran_on.lock() = Some(thread::current().id());
            }
        });
        assert_eq!(*ran_on.lock(), Some(thread::current().id()));
        assert!(!registration.unregister());
    }
}

#[test]
fn r08_try_on_cancel_returns_the_callback_of_a_cancelled_token() {
    let root = CancellationToken::new();
    let child = root.child_token();
    root.cancel_with("stop");
    for token in [&root, &child] {
        let runs = Arc::new(AtomicUsize::new(0));
        let already = token
            .try_on_cancel({
                let runs = runs.clone();
                move |_| {
                    runs.fetch_add(1, SeqCst);
                }
            })
            .unwrap_err();
        assert_eq!(runs.load(SeqCst), 0);
        let cause = already.cause().clone();
        assert_eq!(cause.message(), Some("stop"));
        assert!(already.to_string().contains("already cancelled"));
        (already.into_inner())(&cause);
        assert_eq!(runs.load(SeqCst), 1);
    }
    let live = CancellationToken::new();
    let registration = live.try_on_cancel(|_| unreachable!()).unwrap();
    assert!(registration.unregister());
}

/// The token's own branch, and so the token's entry, is linked to the root past a dropped token. A callback that is
/// registered in the middle of the root's cancel is neither lost nor run too early.
#[test]
fn r08_a_callback_registered_in_the_middle_of_the_cancel_is_not_lost() {
    let root = CancellationToken::new();
    let first = root.child_token();
    let runs = Arc::new(AtomicUsize::new(0));
    let slot = Arc::new(Mutex::new(None::<CancellationToken>));
    let _wait = wait_with(&first, {
        let (slot, runs) = (slot.clone(), runs.clone());
        move || {
            let token = slot.lock().clone().unwrap();
            let runs = runs.clone();
            token
                .on_cancel(move |cause| {
                    assert!(cause.is_inherited());
                    runs.fetch_add(1, SeqCst);
                })
                .detach();
        }
    });
    let parent = root.child_token();
    let token = parent.child_token();
    drop(parent);
    let _below = token.child_token();
    *slot.lock() = Some(token);
    root.cancel();
    assert_eq!(runs.load(SeqCst), 1);
}
