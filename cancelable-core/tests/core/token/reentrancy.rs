//! Wakers and callbacks that use the token that calls them, and its relatives (R9). A lock held here would hang.

use crate::support::hand::{OnDrop, Sleeper, clone_acts, poll, wait_with, waker};
use cancelable_core::CancellationToken;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::task::{Poll, Waker};
use std::thread;

/// Calls every operation of a token.
fn use_in_every_way(token: &CancellationToken) {
    let _ = (token.is_cancelled(), token.cause(), token.check().is_ok());
    let clone = token.clone();
    let child = clone.child_token();
    let _below = child.child_token();
    let mut wait = child.clone().cancelled_owned();
    let _ = poll(&mut wait, &waker(|| ()));
    let _ = poll(&mut token.clone().cancelled_owned(), &waker(|| ()));
    let registration = token.on_cancel(|_| ());
    child.on_cancel(|_| ()).detach();
    registration.unregister();
    let joined = CancellationToken::any_of([token, &child]).expect("two tokens");
    drop(CancellationToken::all_of([&joined, token]));
    drop(token.downgrade().upgrade());
    token.wait_timeout(std::time::Duration::ZERO);
    token.cancel();
    drop((wait, child));
}

/// A root, a child and a grandchild.
fn chain() -> [CancellationToken; 3] {
    let root = CancellationToken::new();
    let child = root.child_token();
    let leaf = child.child_token();
    [root, child, leaf]
}

#[test]
fn r09_a_waker_may_use_its_token_and_every_ancestor_and_descendant() {
    for waits in 0..3 {
        for used in 0..3 {
            for cancelled in 0..=waits {
                let tokens = chain();
                let ran = Arc::new(AtomicUsize::new(0));
                let _wait = wait_with(&tokens[waits], {
                    let (token, ran) = (tokens[used].clone(), ran.clone());
                    move || {
                        use_in_every_way(&token);
                        ran.fetch_add(1, SeqCst);
                    }
                });
                let sleepers = [waits, 2].map(|which| Sleeper::on(&tokens[which]));
                assert!(tokens[cancelled].try_cancel());
                assert_eq!(ran.load(SeqCst), 1);
                assert!(sleepers.iter().all(|sleeper| sleeper.wakes() == 1));
            }
        }
    }
}

#[test]
fn r09_a_callback_may_use_its_token_and_every_ancestor_and_descendant() {
    for registered in 0..3 {
        for used in 0..3 {
            for cancelled in 0..=registered {
                let tokens = chain();
                let ran = Arc::new(AtomicUsize::new(0));
                for _ in 0..2 {
                    tokens[registered]
                        .on_cancel({
                            let (token, ran) = (tokens[used].clone(), ran.clone());
                            move |_| {
                                use_in_every_way(&token);
                                ran.fetch_add(1, SeqCst);
                            }
                        })
                        .detach();
                }
                assert!(tokens[cancelled].try_cancel());
                assert_eq!(ran.load(SeqCst), 2);
            }
        }
    }
}

#[test]
fn r09_a_waker_or_callback_may_drop_the_last_handle() {
    for by_waker in [true, false] {
        let [root, child, leaf] = chain();
        let ran = Arc::new(AtomicUsize::new(0));
        let last = Arc::new(Mutex::new(Some([
            root.clone(),
            child.clone(),
            leaf.clone(),
        ])));
        let act = {
            let (last, ran) = (last.clone(), ran.clone());
            move || {
                drop(last.lock().take());
                ran.fetch_add(1, SeqCst);
            }
        };
        let _wait = by_waker.then(|| wait_with(&leaf, act.clone()));
        if !by_waker {
            leaf.on_cancel(move |_| act()).detach();
        }
        leaf.on_cancel({
            let ran = ran.clone();
            move |_| {
                ran.fetch_add(1, SeqCst);
            }
        })
        .detach();
        let canceller = root;
        drop((child, leaf));
        assert!(canceller.try_cancel());
        assert_eq!(ran.load(SeqCst), 2);
        assert!(last.lock().is_none());
    }
}

#[test]
fn r09_callbacks_that_a_callback_registers_run() {
    let token = CancellationToken::new();
    let ran = Arc::new(Mutex::new(Vec::new()));
    token
        .on_cancel({
            let (token, ran) = (token.clone(), ran.clone());
            move |_| {
                ran.lock().push(1);
                let inner = ran.clone();
                token.on_cancel(move |_| inner.lock().push(2)).detach();
                ran.lock().push(3);
            }
        })
        .detach();
    token.cancel();
    assert_eq!(*ran.lock(), [1, 2, 3]);
}

/// Runs each operation that drops a waker: its replacement, the drop of its future, a cancel. `make` makes a waker
/// whose drop or clone checks something.
fn drop_wakers_everywhere(token: &CancellationToken, make: &dyn Fn() -> Waker) {
    let wait = |waker: &Waker| {
        let mut wait = token.clone().cancelled_owned();
        assert!(poll(&mut wait, waker).is_pending());
        wait
    };
    // Replaced by another waker, by the same waker, and by another again.
    let mut replaced = wait(&make());
    assert!(poll(&mut replaced, &make()).is_pending());
    assert!(poll(&mut replaced, Waker::noop()).is_pending());
    assert!(poll(&mut replaced, &make()).is_pending());
    // Dropped with its future, among other waits.
    let kept = [wait(&make()), wait(&make())];
    drop(wait(&make()));
    drop(replaced);
    token.cancel();
    drop(kept);
    let mut late = token.clone().cancelled_owned();
    assert!(poll(&mut late, &make()).is_ready());
}

#[test]
fn r09_a_wakers_drop_may_use_the_token_and_its_ancestors() {
    for used in 0..3 {
        let tokens = chain();
        let drops = Arc::new(AtomicUsize::new(0));
        let make = || {
            let (token, drops) = (tokens[used].clone(), drops.clone());
            let guard = OnDrop(move || {
                let _ = (token.is_cancelled(), token.cause());
                let registration = token.on_cancel(|_| ());
                let child = token.child_token();
                let _ = poll(&mut child.cancelled_owned(), Waker::noop());
                let _ = poll(&mut token.clone().cancelled_owned(), Waker::noop());
                registration.unregister();
                drops.fetch_add(1, SeqCst);
            });
            waker(move || {
                let _ = &guard;
            })
        };
        drop_wakers_everywhere(&tokens[2], &make);
        assert_eq!(drops.load(SeqCst), 7);
    }
}

/// One thread polls while it holds a lock of its own, and a waker's drop on another thread takes that lock. If the
/// token held a lock around the drop, the two threads would deadlock.
#[test]
fn r09_a_wakers_drop_may_take_a_lock_of_the_caller() {
    for way in 0..3 {
        let token = CancellationToken::new().child_token();
        let callers = Arc::new(Mutex::new(()));
        let (at_drop, dropping) = channel();
        let waker = waker({
            let guard = OnDrop({
                let callers = callers.clone();
                move || {
                    at_drop.send(()).unwrap();
                    drop(callers.lock());
                }
            });
            move || {
                let _ = &guard;
            }
        });
        let mut wait = token.clone().cancelled_owned();
        assert!(poll(&mut wait, &waker).is_pending());
        drop(waker);
        let held = callers.lock();
        let dropper = thread::spawn({
            let token = token.clone();
            move || match way {
                0 => assert!(poll(&mut wait, Waker::noop()).is_pending()),
                1 => drop(wait),
                _ => {
                    token.cancel();
                }
            }
        });
        dropping.recv().unwrap();
        // During that drop, this thread can use the token.
        let mut other = token.clone().cancelled_owned();
        assert_eq!(poll(&mut other, Waker::noop()).is_ready(), way == 2);
        token.on_cancel(|_| ()).detach();
        drop(held);
        dropper.join().unwrap();
    }
}

/// The four ways in which a callback is dropped: unregistered, with its registration, with its token, and after its
/// run.
#[test]
fn r09_the_drop_of_a_callbacks_captures_may_use_the_token_and_its_ancestors() {
    for used in 0..3 {
        for way in 0..4 {
            let tokens = chain();
            let drops = Arc::new(AtomicUsize::new(0));
            let guard = OnDrop({
                // Weak, so that the callback does not keep its own token.
                let (token, drops) = (tokens[used].downgrade(), drops.clone());
                move || {
                    if let Some(token) = token.upgrade() {
                        let _ = (token.is_cancelled(), token.cause());
                        token.on_cancel(|_| ()).detach();
                        drop(token.child_token());
                        let _ = poll(&mut token.cancelled_owned(), Waker::noop());
                    }
                    drops.fetch_add(1, SeqCst);
                }
            });
            let registration = tokens[2].on_cancel(move |_| {
                let _ = &guard;
            });
            match way {
                0 => assert!(registration.unregister()),
                1 => drop(registration),
                2 => registration.detach(),
                _ => {
                    tokens[0].cancel();
                    drop(registration);
                }
            }
            drop(tokens);
            assert_eq!(drops.load(SeqCst), 1);
        }
    }
}

#[test]
fn r09_a_wakers_clone_may_use_the_token_and_its_ancestors() {
    for used in 0..3 {
        let tokens = chain();
        let clones = Arc::new(AtomicUsize::new(0));
        let act = Arc::new({
            let (token, clones) = (tokens[used].clone(), clones.clone());
            move || {
                let _ = (token.is_cancelled(), token.cause());
                let child = token.child_token();
                let _ = poll(&mut child.cancelled_owned(), Waker::noop());
                let _ = poll(&mut token.clone().cancelled_owned(), Waker::noop());
                drop(token.on_cancel(|_| ()));
                clones.fetch_add(1, SeqCst);
            }
        });
        let make = || {
            let act = act.clone();
            clone_acts(move || act())
        };
        drop_wakers_everywhere(&tokens[2], &make);
        assert_eq!(
            clones.load(SeqCst),
            6,
            "one for each wait that went to sleep"
        );
    }
}

#[test]
fn r09_a_wakers_clone_may_cancel_the_token_that_is_polled() {
    let token = CancellationToken::new().child_token();
    let waker = clone_acts({
        let token = token.clone();
        move || {
            token.cancel();
        }
    });
    let mut wait = token.cancelled_owned();
    let polled = poll(&mut wait, &waker);
    assert_eq!(
        polled,
        Poll::Ready(()),
        "registered after the cancel, for ever asleep"
    );
}
