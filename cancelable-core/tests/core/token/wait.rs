//! Waits of async code and of plain threads (R14), which leave nothing behind (R12).

use crate::support::hand::{Sleeper, poll, waker};
use crate::support::probe::Probe;
use cancelable_core::CancellationToken;
use cancelable_core::token::WaitForCancellationFutureOwned;
use parking_lot::Mutex;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

#[test]
fn r14_a_wait_is_pending_then_woken_once_then_ready_for_ever() {
    let token = CancellationToken::new();
    let probe = Probe::new();
    let mut wait = pin!(token.cancelled());
    assert!(probe.poll(wait.as_mut()).is_pending());
    assert!(probe.poll(wait.as_mut()).is_pending());
    assert_eq!(probe.wakes(), 0);
    token.cancel();
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(wait.as_mut()).is_ready());
    assert!(probe.poll(wait.as_mut()).is_ready());
    assert!(!token.try_cancel());
    assert_eq!(probe.wakes(), 1);
}

#[test]
fn r14_a_wait_on_a_cancelled_token_is_ready_at_once() {
    let token = CancellationToken::new();
    let made_before = token.cancelled();
    token.cancel();
    let mut made_before = pin!(made_before);
    assert!(poll(&mut made_before, Waker::noop()).is_ready());
    let mut owned = token.child_token().cancelled_owned();
    assert!(poll(&mut owned, Waker::noop()).is_ready());
    token.wait();
    assert!(token.wait_timeout(Duration::ZERO));
}

#[test]
fn r14_every_waiter_of_every_token_below_is_woken_once() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let leaf = child.child_token();
    let sleepers: Vec<_> = (0..50)
        .flat_map(|_| [&root, &child, &leaf].map(Sleeper::on))
        .collect();
    root.cancel();
    for mut sleeper in sleepers {
        assert_eq!(sleeper.wakes(), 1);
        assert!(sleeper.poll().is_ready());
    }
}

#[test]
fn r14_the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let token = CancellationToken::new().child_token();
    let mut wait = token.clone().cancelled_owned();
    let (old, new) = (Probe::new(), Probe::new());
    assert!(old.poll(Pin::new(&mut wait)).is_pending());
    // Another waiter takes the slot that the change of the waker frees.
    assert!(new.poll(Pin::new(&mut wait)).is_pending());
    let other = Sleeper::on(&token);
    assert!(new.poll(Pin::new(&mut wait)).is_pending());
    token.cancel();
    assert_eq!((old.wakes(), new.wakes(), other.wakes()), (0, 1, 1));
}

#[test]
fn r12_r14_a_dropped_wait_is_not_woken_and_keeps_no_waker() {
    let root = CancellationToken::new();
    for token in [root.clone(), root.child_token()] {
        let held = Arc::new(());
        let waker = waker({
            let held = held.clone();
            move || unreachable!("{held:?}")
        });
        let mut wait = token.clone().cancelled_owned();
        assert!(poll(&mut wait, &waker).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(wait);
        assert_eq!(Arc::strong_count(&held), 1);
    }
    root.cancel();
}

#[test]
fn r12_r14_waits_that_are_added_and_removed_disturb_no_other() {
    let token = CancellationToken::new().child_token();
    let mut sleepers: Vec<_> = (0..10).map(|_| Some(Sleeper::on(&token))).collect();
    for round in 0..100 {
        let place = round * 7 % 10;
        sleepers[place] = None;
        let passing = Sleeper::on(&token);
        sleepers[place] = Some(Sleeper::on(&token));
        drop(passing);
    }
    token.cancel();
    assert!(
        sleepers
            .iter()
            .flatten()
            .all(|sleeper| sleeper.wakes() == 1)
    );
}

#[test]
fn r14_a_wait_that_is_dropped_after_the_cancel_is_harmless() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let sleepers = [Sleeper::on(&child), Sleeper::on(&child)];
    root.cancel();
    let [first, second] = sleepers;
    drop(second);
    assert_eq!(first.wakes(), 1);
}

#[test]
fn r14_plain_threads_and_tasks_wait_for_one_token() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let task = Sleeper::on(&child);
    let ready = Barrier::new(5);
    thread::scope(|scope| {
        for number in 0..4 {
            let (root, child, ready) = (&root, &child, &ready);
            scope.spawn(move || {
                let token = if number % 2 == 0 { root } else { child };
                ready.wait();
                match number / 2 {
                    0 => token.wait(),
                    _ => assert!(token.wait_timeout(Duration::MAX)),
                }
                assert_eq!(token.message().as_deref(), Some("stop"));
            });
        }
        ready.wait();
        root.cancel_with("stop");
    });
    assert_eq!(task.wakes(), 1);
}

#[test]
fn r14_wait_timeout_returns_whether_the_token_is_cancelled() {
    let token = CancellationToken::new().child_token();
    assert!(!token.wait_timeout(Duration::ZERO));
    assert!(!token.wait_timeout(Duration::from_nanos(1)));
    token.cancel();
    assert!(token.wait_timeout(Duration::ZERO));
}

#[test]
fn r14_a_blocking_wait_leaves_nothing_behind() {
    let token = CancellationToken::new();
    let sleeper = Sleeper::on(&token);
    for _ in 0..100 {
        assert!(!token.wait_timeout(Duration::ZERO));
    }
    token.cancel();
    assert_eq!(sleeper.wakes(), 1);
}

/// Runs a wait on this thread, which parks between the polls.
fn block_on_thread(token: CancellationToken, woken: &Arc<AtomicUsize>, parked: &Barrier) {
    let gate = CancellationToken::new();
    let waker = waker({
        let (gate, woken) = (gate.clone(), woken.clone());
        move || {
            woken.fetch_add(1, SeqCst);
            gate.cancel();
        }
    });
    let mut wait = token.cancelled_owned();
    let first = poll(&mut wait, &waker);
    parked.wait();
    if first.is_pending() {
        gate.wait();
    }
    assert_eq!(poll(&mut wait, &waker), Poll::Ready(()));
}

#[test]
fn r14_several_runtimes_wait_for_one_token_at_once() {
    let root = CancellationToken::new();
    let woken = Arc::new(AtomicUsize::new(0));
    let parked = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (child, woken, parked) = (root.child_token(), &woken, &parked);
            scope.spawn(move || block_on_thread(child, woken, parked));
        }
        parked.wait();
        root.cancel();
    });
    assert_eq!(woken.load(SeqCst), 3);
}

#[test]
fn r14_no_cancel_is_lost_between_the_check_and_the_sleep() {
    for round in 0..500 {
        let root = CancellationToken::new();
        let token = match round % 3 {
            0 => root.clone(),
            1 => root.child_token(),
            _ => root.child_token().child_token(),
        };
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // Ends only if the cancel is not lost.
                token.wait();
            });
            start.wait();
            root.cancel();
        });
    }
}

#[test]
fn r14_a_wait_may_be_moved_between_polls_and_threads() {
    let token = CancellationToken::new();
    let mut sleeper = Sleeper::on(&token);
    let mut sleeper = thread::spawn(move || {
        assert!(sleeper.poll().is_pending());
        sleeper
    })
    .join()
    .unwrap();
    token.cancel();
    assert_eq!(sleeper.wakes(), 1);
    assert!(sleeper.poll().is_ready());
}

/// The waits of several threads come and go at the same time, so the token shards them.
#[test]
fn r12_r14_waits_of_several_threads_on_one_token_lose_no_cancel_and_keep_no_waker() {
    const THREADS: usize = 4;
    let child = CancellationToken::new().child_token();
    for token in [CancellationToken::new(), child] {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = waker({
            let woken = woken.clone();
            move || {
                woken.fetch_add(1, SeqCst);
            }
        });
        let ready = Barrier::new(THREADS);
        let mut kept = Vec::new();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut kept = Vec::new();
                        ready.wait();
                        for round in 0..5000 {
                            let mut wait = token.clone().cancelled_owned();
                            assert!(poll(&mut wait, Waker::noop()).is_pending());
                            if round % 500 == 0 {
                                assert!(poll(&mut wait, &count).is_pending());
                                kept.push(wait);
                            }
                        }
                        kept
                    })
                })
                .collect();
            for thread in threads {
                kept.extend(thread.join().unwrap());
            }
        });
        // Half of the waits are dropped on a thread that did not store them.
        kept.truncate(kept.len() / 2);
        token.cancel();
        assert_eq!(woken.load(SeqCst), kept.len());
        drop(count);
        assert_eq!(Arc::strong_count(&woken), 1, "a waker was left behind");
        for mut wait in kept {
            assert!(poll(&mut wait, Waker::noop()).is_ready());
        }
    }
}

#[test]
fn r12_r14_a_first_wait_on_a_child_is_woken_whatever_follows() {
    let after: [fn(&CancellationToken) -> Option<CancellationToken>; 4] = [
        |_| None,
        |child| Some(child.child_token()),
        |child| {
            child.on_cancel(|_| ()).detach();
            None
        },
        |child| {
            drop(Sleeper::on(child));
            None
        },
    ];
    for after in after {
        for by_parent in [true, false] {
            for (leaves, comes) in [(true, true), (false, true), (false, false)] {
                let root = CancellationToken::new();
                let child = root.child_token();
                let mut first = Some(Sleeper::on(&child));
                let below = after(&child);
                assert!(
                    first
                        .as_mut()
                        .is_some_and(|first| first.poll().is_pending())
                );
                if leaves {
                    first = None;
                }
                let second = comes.then(|| Sleeper::on(&child));
                match by_parent {
                    true => assert!(root.try_cancel()),
                    false => assert!(child.try_cancel()),
                }
                for mut sleeper in first.into_iter().chain(second) {
                    assert_eq!(sleeper.wakes(), 1);
                    assert!(sleeper.poll().is_ready());
                }
                assert!(below.is_none_or(|below| below.is_cancelled()));
            }
        }
    }
}

#[test]
fn r12_a_first_wait_on_a_child_that_is_forgotten_leaves_nothing_in_the_parent() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let held = Arc::new(());
    let waker = waker({
        let held = held.clone();
        move || unreachable!("{held:?}")
    });
    let mut wait = child.cancelled();
    assert!(poll(&mut wait, &waker).is_pending());
    std::mem::forget(wait);
    drop(waker);
    assert_eq!(Arc::strong_count(&held), 2);
    drop(child);
    assert_eq!(Arc::strong_count(&held), 1);
    root.cancel();
}

#[test]
fn r14_a_wait_on_a_token_that_cannot_be_cancelled_keeps_no_waker() {
    let never = CancellationToken::never();
    let held = Arc::new(());
    let waker = waker({
        let held = held.clone();
        move || unreachable!("{held:?}")
    });
    let mut wait = never.cancelled_owned();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(poll(&mut wait, Waker::noop()).is_pending());
}

#[test]
fn r09_r12_a_waker_may_drop_the_first_waits_of_its_siblings_and_wait_itself() {
    let parent = CancellationToken::new();
    let children: Vec<_> = (0..8).map(|_| parent.child_token()).collect();
    let waits: Arc<Mutex<Vec<WaitForCancellationFutureOwned>>> = Arc::default();
    let woken = Arc::new(AtomicUsize::new(0));
    for child in &children {
        let act = {
            let (parent, waits, woken) = (parent.clone(), Arc::clone(&waits), Arc::clone(&woken));
            move || {
                woken.fetch_add(1, SeqCst);
                let others = std::mem::take(&mut *waits.lock());
                drop(others);
                let mut late = parent.child_token().cancelled_owned();
                assert!(poll(&mut late, Waker::noop()).is_ready());
            }
        };
        let mut wait = child.clone().cancelled_owned();
        assert!(poll(&mut wait, &waker(act)).is_pending());
        waits.lock().push(wait);
    }
    assert!(parent.try_cancel());
    assert!((1..=8).contains(&woken.load(SeqCst)));
    assert!(waits.lock().is_empty());
    assert_eq!(Arc::strong_count(&woken), 1, "every waker is dropped");
}
