//! Callbacks during a cancel (R7, R8).

use crate::support::{Wakes, bounded, poll, wait_on};
use cancelable_core::CancellationToken;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Waker};

#[test]
fn r08_cancel_with_register() {
    loom::model(|| {
        let token = CancellationToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let registrar = thread::spawn({
            let (token, runs) = (token.clone(), runs.clone());
            move || {
                token.on_cancel(move |_| {
                    let _ = runs.fetch_add(1, SeqCst);
                })
            }
        });
        assert!(token.try_cancel());
        drop(registrar.join().unwrap());
        assert_eq!(runs.load(SeqCst), 1);
    });
}

#[test]
fn r07_cancel_with_unregister() {
    loom::model(|| {
        let token = CancellationToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let registration = token.on_cancel({
            let runs = runs.clone();
            move |_| {
                let _ = runs.fetch_add(1, SeqCst);
            }
        });
        let unregistrar = thread::spawn(move || registration.unregister());
        assert!(token.try_cancel());
        let never = unregistrar.join().unwrap();
        assert_eq!(runs.load(SeqCst), usize::from(!never));
    });
}

#[test]
fn r07_dropping_a_registration_waits_for_its_own_callback() {
    loom::model(|| {
        let token = CancellationToken::new();
        let inside = Arc::new(AtomicUsize::new(0));
        let step = Arc::new(loom::sync::Mutex::new(()));
        let registration = token.on_cancel({
            let (inside, step) = (inside.clone(), step.clone());
            move |_| {
                inside.store(1, SeqCst);
                drop(step.lock().unwrap()); // A point at which the model may switch threads.
                inside.store(2, SeqCst);
            }
        });
        let dropper = thread::spawn({
            let inside = inside.clone();
            move || {
                drop(registration);
                assert_ne!(inside.load(SeqCst), 1, "the callback still runs");
            }
        });
        assert!(token.try_cancel());
        dropper.join().unwrap();
    });
}

#[test]
fn r07_unregistered_is_ready_only_when_its_own_callback_does_not_run() {
    loom::model(|| {
        let token = CancellationToken::new();
        let inside = Arc::new(AtomicUsize::new(0));
        let step = Arc::new(loom::sync::Mutex::new(()));
        let registration = token.on_cancel({
            let (inside, step) = (inside.clone(), step.clone());
            move |_| {
                inside.store(1, SeqCst);
                drop(step.lock().unwrap()); // As above.
                inside.store(2, SeqCst);
            }
        });
        let remover = thread::spawn({
            let inside = inside.clone();
            move || {
                let wakes = Arc::new(Wakes::default());
                let mut removed = registration.unregistered();
                match poll(&mut removed, &wakes.clone().into()) {
                    Poll::Ready(never_ran) => {
                        let expected = if never_ran { 0 } else { 2 };
                        assert_eq!(inside.load(SeqCst), expected, "the callback still runs");
                        None
                    }
                    Poll::Pending => Some((removed, wakes)),
                }
            }
        });
        assert!(token.try_cancel());
        if let Some((mut removed, wakes)) = remover.join().unwrap() {
            assert_eq!(wakes.count(), 1, "the end of the callback wakes the wait");
            assert_eq!(poll(&mut removed, Waker::noop()), Poll::Ready(false));
        }
    });
}

#[test]
fn r07_register_with_unregister() {
    loom::model(|| {
        let token = CancellationToken::new();
        let first = token.on_cancel(|_| panic!("it was unregistered"));
        let runs = Arc::new(AtomicUsize::new(0));
        let registrar = thread::spawn({
            let (token, runs) = (token.clone(), runs.clone());
            move || {
                token.on_cancel(move |_| {
                    let _ = runs.fetch_add(1, SeqCst);
                })
            }
        });
        assert!(first.unregister());
        let _second = registrar.join().unwrap();
        assert!(token.try_cancel());
        assert_eq!(runs.load(SeqCst), 1);
    });
}

#[test]
fn r08_registering_while_the_home_above_an_orphan_is_cancelled() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        drop(parent);
        // The child's own branch, and so the child's entry, is linked to the root past the orphan.
        let _below = child.child_token();
        let runs = Arc::new(AtomicUsize::new(0));
        let registrar = thread::spawn({
            let (child, runs) = (child.clone(), runs.clone());
            move || {
                let (polled, _future, _wakes) = wait_on(child.clone());
                assert!(
                    polled.is_pending() || child.is_cancelled(),
                    "a wait ended on a token that is not cancelled"
                );
                child.on_cancel(move |cause| {
                    assert_eq!(cause.message(), Some("stop"));
                    let _ = runs.fetch_add(1, SeqCst);
                })
            }
        });
        assert!(root.cancel_with("stop"));
        drop(registrar.join().unwrap());
        assert_eq!(runs.load(SeqCst), 1);
    });
}
