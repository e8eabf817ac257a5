//! The protocols of tokens, progress and partial results under every interleaving of two or three threads.
//!
//! Run with `ci/loom.sh`. Without `--cfg cancelable_loom` there is nothing here: the models replace
//! the locks and atomics of the whole crate.
#![cfg(all(cancelable_loom, feature = "scope"))]
#![allow(missing_docs)]

use cancelable_core::operation::ProgressRegistration;
use cancelable_core::registry::Events;
use cancelable_core::runtime::{Job, Refused, Runtime, Task, Timer};
use cancelable_core::source::cancel_on;
use cancelable_core::token::{WaitForCancellationFutureOwned, isolated_panics};
use cancelable_core::{CancellationToken, Cause, Reason, Registry, RuntimeHandle, Scope};
use futures_core::Stream;
use loom::thread;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Counts wakes. Not loom's atomics: it observes the model and takes no part in it.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// Does something when woken.
struct Act<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> Wake for Act<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Every model of three threads with this bound ends in seconds; two threads are explored in full.
fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Waits on `token` and gives back the future, which must not be forgotten by a cancel, with its
/// wake count.
fn wait_on(token: CancellationToken) -> (Poll<()>, WaitForCancellationFutureOwned, Arc<Wakes>) {
    let wakes = Arc::new(Wakes::default());
    let mut future = token.cancelled_owned();
    let polled = poll(&mut future, &Waker::from(wakes.clone()));
    (polled, future, wakes)
}

/// R14: a waiter that went to sleep was woken by the time `cancel` has returned.
fn never_lost(
    (polled, mut future, wakes): (Poll<()>, impl Future<Output = ()> + Unpin, Arc<Wakes>),
) {
    assert!(
        polled.is_ready() || wakes.count() == 1,
        "a waiter sleeps through a cancel"
    );
    assert!(poll(&mut future, Waker::noop()).is_ready());
}

#[test]
fn r14_cancel_with_wait() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waiter = thread::spawn({
            let token = token.clone();
            move || wait_on(token)
        });
        assert!(token.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_cancel_of_the_parent_with_wait_on_a_child() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_cancel_of_the_root_with_wait_on_a_grandchild() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || wait_on(child.child_token()));
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r14_two_waits_on_one_child_with_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiters = [0, 1].map(|_| {
            let child = child.clone();
            thread::spawn(move || wait_on(child))
        });
        assert!(root.try_cancel());
        waiters
            .into_iter()
            .for_each(|waiter| never_lost(waiter.join().unwrap()));
    });
}

#[test]
fn r14_cancel_with_a_change_of_the_waker() {
    loom::model(|| {
        let token = CancellationToken::new();
        let (first, mut future, _) = wait_on(token.clone());
        assert!(first.is_pending());
        let waiter = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        assert!(token.try_cancel());
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_cancel_with_drop_of_the_future() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (polled, future, wakes) = wait_on(child);
        assert!(polled.is_pending());
        let dropper = thread::spawn(move || drop(future));
        assert!(root.try_cancel());
        dropper.join().unwrap();
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
    });
}

#[test]
fn r06_cancel_with_child_creation() {
    loom::model(|| {
        let root = CancellationToken::new();
        let maker = thread::spawn({
            let root = root.clone();
            move || {
                let before = root.is_cancelled();
                let child = root.child_token();
                assert!(
                    !before || child.is_cancelled(),
                    "a child of a cancelled token is not"
                );
                let grandchild = child.child_token();
                (child, grandchild)
            }
        });
        assert!(root.cancel_with("stop"));
        let (child, grandchild) = maker.join().unwrap();
        for token in [child, grandchild] {
            assert!(token.is_cancelled());
            let cause = token.cause().unwrap();
            assert_eq!(
                (cause.message(), cause.is_inherited()),
                (Some("stop"), true)
            );
        }
    });
}

#[test]
fn r06_cancel_of_the_root_reaches_below_a_token_that_is_dropped_meanwhile() {
    bounded(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let leaf = middle.child_token();
        let seen = leaf.clone();
        let dropper = thread::spawn(move || drop(middle));
        let user = thread::spawn(move || leaf.child_token());
        assert!(root.try_cancel());
        assert!(
            seen.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        let below = user.join().unwrap();
        dropper.join().unwrap();
        assert!(below.is_cancelled());
    });
}

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
fn r07_removed_is_ready_only_when_its_own_callback_does_not_run() {
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
                let mut removed = registration.removed();
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
            assert_eq!(wakes.count(), 1, "its end wakes who waits");
            assert_eq!(poll(&mut removed, Waker::noop()), Poll::Ready(false));
        }
    });
}

/// A runtime whose blocking jobs are run by the model.
#[derive(Clone)]
struct Shelf(Arc<parking_lot::Mutex<Vec<Job>>>, Instant);

impl Runtime for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }
    fn now(&self) -> Instant {
        self.1
    }
    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        panic!("no model asks for one")
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        self.0.lock().push(job);
        Ok(())
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "loom has no time, and any will do"
)]
fn r07_callbacks_that_are_left_to_a_runtime_with_unregister_and_another_cancel() {
    bounded(|| {
        let token = CancellationToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let [first, second] = [(); 2].map(|()| {
            let runs = runs.clone();
            token.on_cancel(move |_| {
                let _ = runs.fetch_add(1, SeqCst);
            })
        });
        let shelf = Shelf(Arc::default(), Instant::now());
        let unregistrar = thread::spawn(move || first.unregister());
        let canceller = thread::spawn({
            let (token, shelf) = (token.clone(), shelf.clone());
            move || {
                let is_first = cancel_on(&RuntimeHandle::new(shelf.clone()), &token, "there");
                // As a runtime would, of which some run the job and some drop it.
                for job in std::mem::take(&mut *shelf.0.lock()) {
                    job();
                }
                is_first
            }
        });
        let here = token.try_cancel();
        assert!(token.is_cancelled());
        let there = canceller.join().unwrap();
        let never = unregistrar.join().unwrap();
        assert!(here ^ there);
        assert_eq!(runs.load(SeqCst), 2 - usize::from(never));
        drop(second);
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
fn r01_two_cancels_and_one_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let other = thread::spawn({
            let child = child.clone();
            move || child.cancel_with("other")
        });
        let parent = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("root")
        });
        let mine = child.cancel_with("mine");
        let seen = child.cause().unwrap();
        let (others, roots) = (other.join().unwrap(), parent.join().unwrap());
        assert!(roots);
        assert!(!(mine && others), "two callers cancelled one token");
        let expected = match (mine, others) {
            (true, _) => ("mine", false),
            (_, true) => ("other", false),
            _ => ("root", true),
        };
        let last = child.cause().unwrap();
        assert_eq!((last.message().unwrap(), last.is_inherited()), expected);
        // R2: the cause that was seen first is the cause for ever.
        assert!(seen.is_same(&last));
    });
}

#[test]
fn r02_a_cause_once_seen_does_not_change() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let reader = thread::spawn({
            let child = child.clone();
            move || {
                let first = child.cause();
                let then = child.is_cancelled();
                assert!(first.is_none() || then, "cancelled, and then not");
                first
            }
        });
        let parent = thread::spawn({
            let root = root.clone();
            move || root.cancel_with("root")
        });
        child.cancel_with("mine");
        if let Some(first) = reader.join().unwrap() {
            assert!(first.is_same(&child.cause().unwrap()));
        }
        parent.join().unwrap();
    });
}

#[test]
fn r03_the_cause_is_there_when_the_flag_is() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let written = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let reader = thread::spawn({
            let written = written.clone();
            move || {
                if child.is_cancelled() {
                    assert_eq!(child.cause().unwrap().message(), Some("root"));
                    // R4: what was written before `cancel` is visible.
                    assert_eq!(written.load(loom::sync::atomic::Ordering::Relaxed), 1);
                }
            }
        });
        written.store(1, loom::sync::atomic::Ordering::Relaxed);
        root.cancel_with("root");
        reader.join().unwrap();
    });
}

/// R4, by the flags alone: a look at the cause would take a lock, which orders everything.
#[test]
fn r04_who_sees_the_flag_sees_what_was_written_before() {
    use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    for (depth, waits) in [(0, false), (1, false), (1, true), (2, false)] {
        loom::model(move || {
            let root = CancellationToken::new();
            let mut token = root.clone();
            for _ in 0..depth {
                token = token.child_token();
            }
            // One that waits has its own flag set, one that does not reads its parent's.
            let _waiting = waits.then(|| wait_on(token.clone()));
            let written = Arc::new(AtomicUsize::new(0));
            let reader = thread::spawn({
                let written = written.clone();
                move || assert!(!token.is_cancelled() || written.load(Relaxed) == 1)
            });
            written.store(1, Relaxed);
            root.cancel();
            reader.join().unwrap();
        });
    }
}

#[test]
fn r12_drop_of_parent_with_drop_of_child() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let (polled, future, wakes) = wait_on(child.child_token());
        assert!(polled.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(child));
        drop(future);
        parents.join().unwrap();
        children.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        assert!(root.try_cancel());
    });
}

#[test]
fn r12_drop_of_the_parent_with_cancel_of_the_root_and_a_wait_below() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let parents = thread::spawn(move || drop(parent));
        // The child gets its branch above the orphan, or below it, while the root is cancelled.
        let waiter = thread::spawn(move || wait_on(child.child_token()));
        assert!(root.try_cancel());
        parents.join().unwrap();
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r06_a_member_that_moves_above_an_orphan_is_still_told() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        // The child waits, so it is a member of the parent's branch; with the parent gone its own
        // branch and its entry are linked to the root's.
        let waiting = wait_on(child.clone());
        assert!(waiting.0.is_pending());
        drop(parent);
        let mover = thread::spawn(move || child.child_token());
        assert!(root.try_cancel());
        never_lost(waiting);
        assert!(mover.join().unwrap().is_cancelled());
    });
}

#[test]
fn r14_a_wait_with_the_node_getting_its_branch() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn({
            let child = child.clone();
            move || wait_on(child)
        });
        let maker = thread::spawn({
            let child = child.clone();
            move || child.child_token()
        });
        assert!(root.try_cancel());
        never_lost(waiter.join().unwrap());
        assert!(maker.join().unwrap().is_cancelled());
    });
}

#[test]
fn r09_cancel_from_inside_a_waker_that_touches_an_ancestor() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let mut future = child.clone().cancelled_owned();
        let waker = Waker::from(Arc::new(Act({
            let root = root.clone();
            move || {
                assert!(
                    !root.cancel_with("waker") || root.cause().unwrap().message() == Some("waker")
                );
                drop(root.child_token());
                root.on_cancel(|_| ()).detach();
            }
        })));
        let polled = poll(&mut future, &waker);
        assert!(polled.is_pending());
        let canceller = thread::spawn({
            let child = child.clone();
            move || child.try_cancel()
        });
        root.cancel_with("root");
        canceller.join().unwrap();
        assert!(root.is_cancelled() && child.is_cancelled());
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

fn any_of_made_while_an_input_is_cancelled(with_children: bool) {
    loom::model(move || {
        let input = CancellationToken::new();
        // The canceller reaches the branch a moment after the token.
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

#[test]
fn r14_a_blocking_wait_with_cancel() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waiter = thread::spawn(move || {
            child.wait();
            assert!(child.is_cancelled());
        });
        root.cancel();
        waiter.join().unwrap();
    });
}

#[test]
fn r06_a_child_of_a_child_of_a_token_that_was_cancelled_and_dropped() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let canceller = thread::spawn(move || parent.try_cancel());
        let seen = child.is_cancelled();
        let below = child.child_token();
        assert!(!seen || below.is_cancelled());
        assert!(canceller.join().unwrap());
        assert!(
            below.is_cancelled(),
            "linked past an orphan that was cancelled"
        );
    });
}

#[test]
fn r08_registering_while_the_home_above_an_orphan_is_cancelled() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        drop(parent);
        // The child's own branch, and so its entry, is linked to the root past the orphan.
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

#[test]
fn r06_a_child_of_a_token_that_says_cancelled_says_so() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let _branch = child.child_token();
        let maker = thread::spawn(move || {
            let before = child.is_cancelled();
            assert!(!before || child.child_token().is_cancelled());
        });
        assert!(root.try_cancel());
        maker.join().unwrap();
    });
}

#[test]
fn r12_handing_up_with_cancel_of_the_root_and_a_wait() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let waiting = wait_on(below);
        assert!(waiting.0.is_pending());
        // Moves the child's branch, and its entry if it is listed by then, to the root.
        let parents = thread::spawn(move || drop(parent));
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        parents.join().unwrap();
        never_lost(waiting);
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_handing_up_with_drop_of_what_is_handed_up() {
    bounded(|| {
        let root = CancellationToken::new();
        // Has the key in the root's list that the child has in its parent's.
        let other = wait_on(root.child_token());
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let (polled, future, wakes) = wait_on(child);
        assert!(polled.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(future));
        let waiting = wait_on(below.child_token());
        parents.join().unwrap();
        children.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        assert!(root.try_cancel());
        never_lost(waiting);
        never_lost(other);
        assert!(below.is_cancelled());
    });
}

#[test]
fn r12_two_generations_are_dropped_at_once() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let below = child.child_token();
        let waiting = wait_on(below.child_token());
        assert!(waiting.0.is_pending());
        let parents = thread::spawn(move || drop(parent));
        let children = thread::spawn(move || drop(child));
        assert!(root.try_cancel());
        never_lost(waiting);
        parents.join().unwrap();
        children.join().unwrap();
        assert!(below.is_cancelled());
    });
}

#[test]
fn r06_a_cancel_waits_for_what_another_one_is_marking() {
    bounded(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let below = middle.child_token();
        let leaf = below.child_token();
        let other = thread::spawn(move || middle.try_cancel());
        assert!(root.try_cancel());
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}

/// The root's cancel meets the first other one, and that one the second.
#[test]
fn r06_a_cancel_waits_for_what_those_it_waits_for_have_met() {
    bounded(|| {
        let root = CancellationToken::new();
        let first = root.child_token();
        let second = first.child_token();
        let leaf = second.child_token().child_token();
        let others = [first, second].map(|token| thread::spawn(move || token.try_cancel()));
        assert!(root.try_cancel());
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        others.into_iter().for_each(|other| {
            other.join().unwrap();
        });
    });
}

#[test]
fn r06_a_cancel_that_answers_false_has_seen_the_first_one_reach_all() {
    loom::model(|| {
        let root = CancellationToken::new();
        let leaf = root.child_token().child_token();
        let other = thread::spawn({
            let root = root.clone();
            move || root.try_cancel()
        });
        // loom would not let the other thread come first: it forgets a load that is followed by one
        // of another thread.
        thread::yield_now();
        let mine = root.try_cancel();
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn r06_a_cancel_of_a_child_that_answers_false_has_seen_the_parents_reach_all_below_it() {
    for waits in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let leaf = child.child_token().child_token();
            let _waiting = waits.then(|| wait_on(child.clone()));
            let other = thread::spawn(move || root.try_cancel());
            thread::yield_now(); // As above.
            child.cancel();
            assert!(
                leaf.is_cancelled(),
                "cancel returned before it reached a descendant"
            );
            assert!(other.join().unwrap());
        });
    }
}

/// A root, and a parent below it whose place in the root's list is not the first, which is free.
fn with_a_free_place() -> (CancellationToken, CancellationToken) {
    let root = CancellationToken::new();
    let first = wait_on(root.child_token());
    let parent = root.child_token();
    drop(parent.child_token());
    drop(first);
    (root, parent)
}

/// The child's branch is linked past its parent's, so that one is told before the other.
#[test]
fn r06_a_cancel_below_an_orphan_waits_for_the_one_above() {
    for (before_the_parent, waits) in [(false, false), (true, false), (false, true)] {
        bounded(move || {
            let (root, parent) = match before_the_parent {
                true => with_a_free_place(),
                false => {
                    let root = CancellationToken::new();
                    let parent = root.child_token();
                    (root, parent)
                }
            };
            let child = parent.child_token();
            drop(parent);
            let leaf = child.child_token().child_token();
            let other = thread::spawn(move || root.cancel_with("root"));
            thread::yield_now(); // As above.
            // The wait finds the root cancelled and settles the child.
            let _waiting = waits.then(|| wait_on(child.clone()));
            let mine = child.cancel_with("mine");
            assert!(
                leaf.is_cancelled(),
                "cancel returned before it reached a descendant"
            );
            let (own, below) = (child.cause().unwrap(), leaf.cause().unwrap());
            assert!(own.is_same(&below), "{own:?}, and below it {below:?}");
            assert_eq!(mine, own.message() == Some("mine"));
            assert_eq!(mine, !own.is_inherited());
            assert!(other.join().unwrap());
        });
    }
}

/// The child's branch may be linked to an orphan past which its parent's has been moved.
#[test]
fn r06_a_cancel_below_two_orphans_waits_for_the_one_above() {
    bounded(|| {
        let (root, upper) = with_a_free_place();
        let parent = upper.child_token();
        let child = parent.child_token();
        drop(parent);
        let dropper = thread::spawn(move || drop(upper));
        let leaf = child.child_token().child_token();
        dropper.join().unwrap();
        let other = thread::spawn(move || root.try_cancel());
        thread::yield_now(); // As above.
        child.cancel();
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}

/// Each call is first at one join and second at the other.
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

/// An error that calls its function when dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<F: Fn()> std::fmt::Debug for OnDrop<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnDrop")
    }
}

impl<F: Fn()> std::fmt::Display for OnDrop<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an error")
    }
}

impl<F: Fn()> std::error::Error for OnDrop<F> {}

/// The walk may hold the last handle of what it looks at, and with it the last of a cause. Dropping
/// that runs code of a user, which may cancel the same tree and wait for the walk.
#[test]
fn r09_a_drop_in_the_middle_of_a_cancel_may_cancel() {
    for with_branch in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let leaf = root.child_token().child_token();
            // A member for its waiter.
            let (_, waiting, _) = wait_on(child.clone());
            if with_branch {
                drop(child.child_token());
            }
            let error = OnDrop({
                let root = root.clone();
                move || {
                    root.cancel();
                    assert!(leaf.is_cancelled());
                }
            });
            child.cancel_with(Cause::new(Reason::Requested).with_error(Arc::new(error)));
            let dropper = thread::spawn(move || drop((waiting, child)));
            root.cancel();
            dropper.join().unwrap();
        });
    }
}

#[test]
fn r13_any_of_has_the_cause_that_its_input_has() {
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

/// A wait that meets another one at the token's list has those after it go to a crowd: in a build for loom
/// at the first time. Here a second wait makes the crowd and a third goes to it, in any order with a cancel.
fn waits_that_meet(token: &CancellationToken) -> [Wait; 3] {
    [0, 1, 2].map(|_| wait_on(token.clone()))
}

type Wait = (Poll<()>, WaitForCancellationFutureOwned, Arc<Wakes>);

#[test]
fn r14_waits_that_meet_with_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waiter = thread::spawn({
            let token = token.clone();
            move || waits_that_meet(&token)
        });
        assert!(token.try_cancel());
        waiter.join().unwrap().into_iter().for_each(never_lost);
    });
}

#[test]
fn r14_waits_of_two_threads_in_a_crowd_with_cancel() {
    bounded(|| {
        let token = CancellationToken::new();
        let first = [0, 1].map(|_| wait_on(token.clone()));
        let waiters = [0, 1].map(|_| {
            let token = token.clone();
            thread::spawn(move || wait_on(token))
        });
        assert!(token.try_cancel());
        first.into_iter().for_each(never_lost);
        for waiter in waiters {
            never_lost(waiter.join().unwrap());
        }
    });
}

#[test]
fn r14_waits_that_meet_on_a_child_with_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        // Stands in the parent's list until there is a second.
        let first = wait_on(child.clone());
        let waiter = thread::spawn(move || waits_that_meet(&child));
        assert!(root.try_cancel());
        never_lost(first);
        waiter.join().unwrap().into_iter().for_each(never_lost);
    });
}

#[test]
fn r12_waits_in_a_crowd_leave_with_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let [first, second, third] = waits_that_meet(&token);
        let wakes = third.2.clone();
        let leaver = thread::spawn(move || drop((third.1, third.2)));
        assert!(token.try_cancel());
        leaver.join().unwrap();
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        [first, second].into_iter().for_each(never_lost);
    });
}

#[test]
fn r12_waits_in_a_crowd_leave_without_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let waits = waits_that_meet(&token);
        let wakes: Vec<_> = waits.iter().map(|wait| wait.2.clone()).collect();
        thread::spawn(move || drop(waits)).join().unwrap();
        for wakes in wakes {
            assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        }
    });
}

#[test]
fn r14_a_change_of_the_waker_in_a_crowd_with_cancel() {
    loom::model(|| {
        let token = CancellationToken::new();
        let [first, second, (polled, mut future, _)] = waits_that_meet(&token);
        assert!(polled.is_pending());
        let changer = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        assert!(token.try_cancel());
        never_lost(changer.join().unwrap());
        [first, second].into_iter().for_each(never_lost);
    });
}

/// The first wait on a child stands in its parent's list until there is a second.
#[test]
fn r14_a_second_wait_with_cancel_of_the_child_and_of_the_parent() {
    for of_the_child in [false, true] {
        bounded(move || {
            let root = CancellationToken::new();
            let child = root.child_token();
            let first = wait_on(child.clone());
            assert!(first.0.is_pending());
            let waiter = thread::spawn({
                let child = child.clone();
                move || wait_on(child)
            });
            match of_the_child {
                true => assert!(child.try_cancel()),
                false => assert!(root.try_cancel()),
            }
            never_lost(first);
            never_lost(waiter.join().unwrap());
        });
    }
}

#[test]
fn r14_the_first_wait_on_a_child_with_its_cancel_and_the_parents() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let canceller = thread::spawn({
            let child = child.clone();
            move || child.try_cancel()
        });
        let waiter = thread::spawn(move || wait_on(child));
        root.cancel();
        canceller.join().unwrap();
        never_lost(waiter.join().unwrap());
    });
}

#[test]
fn r12_the_first_wait_on_a_child_leaves_while_a_second_comes_with_cancel() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (polled, first, wakes) = wait_on(child.clone());
        assert!(polled.is_pending());
        let leaver = thread::spawn(move || drop(first));
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        leaver.join().unwrap();
        never_lost(waiter.join().unwrap());
        assert!(wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
    });
}

#[test]
fn r12_the_first_wait_on_a_child_leaves_while_the_child_gets_a_branch() {
    bounded(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let (polled, first, wakes) = wait_on(child.clone());
        assert!(polled.is_pending());
        drop(parent);
        let leaver = thread::spawn(move || drop(first));
        // Its home is the root's branch, past the orphan.
        let below = child.child_token();
        leaver.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        let last = wait_on(child);
        assert!(root.try_cancel());
        never_lost(last);
        assert!(below.is_cancelled());
    });
}

#[test]
fn r14_a_change_of_the_waker_on_a_child_with_a_second_wait_and_cancel_of_the_parent() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (first, mut future, _) = wait_on(child.clone());
        assert!(first.is_pending());
        let changer = thread::spawn(move || {
            let wakes = Arc::new(Wakes::default());
            let polled = poll(&mut future, &Waker::from(wakes.clone()));
            (polled, future, wakes)
        });
        let waiter = thread::spawn(move || wait_on(child));
        assert!(root.try_cancel());
        never_lost(changer.join().unwrap());
        never_lost(waiter.join().unwrap());
    });
}

/// Takes no lock.
#[test]
fn r14_cancel_with_a_repeated_poll() {
    for depth in [0, 1] {
        loom::model(move || {
            let root = CancellationToken::new();
            let token = match depth {
                0 => root.clone(),
                _ => root.child_token(),
            };
            let wakes = Arc::new(Wakes::default());
            let waker = Waker::from(wakes.clone());
            let mut future = token.cancelled_owned();
            assert!(poll(&mut future, &waker).is_pending());
            let poller = thread::spawn(move || (poll(&mut future, &waker), future));
            assert!(root.try_cancel());
            let (polled, future) = poller.join().unwrap();
            assert_eq!(wakes.count(), 1);
            never_lost((polled, future, wakes));
        });
    }
}

/// The child is told, and leaves the cause to its parent's branch.
#[test]
fn r03_the_cause_of_a_child_that_is_told_is_there_when_the_flag_is() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        child.on_cancel(|_| ()).detach();
        let reader = thread::spawn({
            let child = child.clone();
            move || {
                let cause = child.cause();
                assert!(cause.is_none_or(|cause| cause.message() == Some("root")));
                assert!(!child.is_cancelled() || child.cause().is_some());
            }
        });
        root.cancel_with("root");
        reader.join().unwrap();
    });
}

/// Only some levels of a deep tree keep the cause; the others ask those above.
#[test]
fn r03_the_cause_is_there_when_the_flag_is_at_any_depth() {
    for depth in 1..=6 {
        bounded(move || {
            let root = CancellationToken::new();
            let mut token = root.clone();
            for _ in 0..depth {
                token = token.child_token();
            }
            let reader = thread::spawn(move || {
                if token.is_cancelled() {
                    assert_eq!(token.cause().unwrap().message(), Some("root"));
                }
            });
            assert!(root.cancel_with("root"));
            reader.join().unwrap();
        });
    }
}

/// What hangs below a token that is cancelled: a token two levels down, and a wait on it and on the token.
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

    /// R2, R6, R12, R14: all of it is cancelled with `cause`, was woken, and left no waker behind.
    fn assert_ended_with(self, cause: &Cause) {
        assert!(self.leaf.cause().unwrap().is_same(cause));
        for (polled, future, wakes) in self.waits {
            never_lost((polled, future, wakes.clone()));
            assert_eq!(Arc::strong_count(&wakes), 1, "a waker was left behind");
        }
    }
}

/// R1, R3: the token has one cause, which is its own if the call that names it `mine` has won.
fn only_cause(token: &CancellationToken, mine: bool, others: &str) -> Cause {
    let cause = token.cause().unwrap();
    let expected = if mine { "mine" } else { others };
    assert_eq!(
        (cause.message(), cause.is_inherited()),
        (Some(expected), !mine)
    );
    cause
}

/// The child takes its entry out of the list that the parent's cancel takes as a whole.
#[test]
fn r01_r12_a_cancel_that_leaves_the_list_with_the_parents_cancel() {
    bounded(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let below = Below::new(&child);
        let beside = wait_on(root.child_token());
        let other = thread::spawn({
            let (root, leaf) = (root.clone(), below.leaf.clone());
            move || {
                assert!(root.cancel_with("root"));
                // Also where the child is on its way out: it stays until all below it says so.
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

/// The same without a branch of the child: its one waiter stands in the list, or two do behind its entry.
#[test]
fn r01_r12_a_cancel_that_leaves_the_list_without_a_branch_with_the_parents_cancel() {
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
            // Whoever has won wakes them, which the other call does not wait for.
            assert!(other.join().unwrap());
            waits.into_iter().for_each(never_lost);
            only_cause(&child, mine, "root");
        });
    }
}

/// Who comes to the list while a child leaves it may get the place that becomes free, and keeps it.
#[test]
fn r12_a_cancel_that_leaves_the_list_with_who_comes_to_it() {
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
        assert_eq!(wakes.count(), 0, "it was taken for the child");
        assert!(root.try_cancel());
        never_lost((polled, future, wakes));
    });
}

/// The child is handed up to the place in the root's list that a wait beside it has in the parent's, and leaves
/// the list in which it is, and nobody else.
#[test]
fn r12_a_cancel_that_leaves_the_list_with_handing_up_keeps_who_stays() {
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
        assert_eq!(beside.2.count(), 0, "it was taken for the child");
        assert!(root.try_cancel());
        never_lost(beside);
    });
}

/// The child leaves its parent's list, or the root's, to which the parent's end hands it up.
#[test]
fn r01_r12_a_cancel_that_leaves_the_list_with_handing_up() {
    for branch in [false, true] {
        bounded(move || {
            let (root, parent) = with_a_free_place();
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
            // Gets a place that the child had, or will have left.
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
fn r01_r12_a_cancel_that_leaves_the_list_with_handing_up_and_cancel_of_the_root() {
    bounded(|| {
        let (root, parent) = with_a_free_place();
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

/// The join leaves the input that has not cancelled it, whose cancel may meet it there.
#[test]
fn r01_r12_r13_a_join_that_leaves_an_input_with_its_cancel() {
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

/// The join is cancelled by itself and leaves both inputs.
#[test]
fn r01_r12_r13_a_join_cancelled_itself_leaves_an_input_with_its_cancel() {
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

/// The input that the join leaves loses its last handle, and hands a child up to the root.
#[test]
fn r12_r13_a_join_that_leaves_an_input_with_its_drop() {
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
        assert_eq!(handed_up.2.count(), 0, "it was taken for the join");
        assert!(root.try_cancel());
        never_lost(handed_up);
    });
}

/// A wait below a child that has a branch, as a join is one, and the child.
fn comer_with_a_branch(token: &CancellationToken) -> (CancellationToken, Wait) {
    let middle = token.child_token();
    let waiting = wait_on(middle.child_token());
    (middle, waiting)
}

/// The join is cancelled by an input while its token goes, and who comes to the other one keeps its place.
#[test]
fn r12_r13_a_join_that_leaves_an_input_with_its_own_drop_and_who_comes() {
    bounded(|| {
        let [input, lasting] = [CancellationToken::new(), CancellationToken::new()];
        let any = CancellationToken::any_of([&input, &lasting]).unwrap();
        let dropper = thread::spawn(move || drop(any));
        let comer = thread::spawn({
            let lasting = lasting.clone();
            move || comer_with_a_branch(&lasting)
        });
        assert!(input.try_cancel());
        dropper.join().unwrap();
        let (_middle, (polled, future, wakes)) = comer.join().unwrap();
        assert_eq!((polled, wakes.count()), (Poll::Pending, 0));
        assert!(lasting.try_cancel());
        never_lost((polled, future, wakes));
    });
}

/// The join may be cancelled before it knows its entries, and leaves once, whoever finds them.
#[test]
fn r12_r13_a_join_made_while_an_input_is_cancelled_with_who_comes_to_the_other() {
    bounded(|| {
        let [input, lasting] = [CancellationToken::new(), CancellationToken::new()];
        drop(input.child_token());
        let maker = thread::spawn({
            let (input, lasting) = (input.clone(), lasting.clone());
            move || CancellationToken::any_of([&lasting, &input]).unwrap()
        });
        let comer = thread::spawn({
            let lasting = lasting.clone();
            move || comer_with_a_branch(&lasting)
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

/// The trap that the protocol avoids: a flag and a waiter list that each side publishes with plain
/// release stores and reads with acquire loads. Either side may miss the other, and the waiter
/// sleeps for ever. That this model fails shows that the models above would see it.
#[test]
#[should_panic(expected = "a waiter sleeps through a cancel")]
fn the_trap_is_visible_to_the_model() {
    use loom::sync::atomic::{AtomicBool, Ordering};
    loom::model(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let waits = Arc::new(AtomicBool::new(false));
        let waiter = thread::spawn({
            let (flag, waits) = (flag.clone(), waits.clone());
            move || {
                waits.store(true, Ordering::Release);
                flag.load(Ordering::Acquire)
            }
        });
        flag.store(true, Ordering::Release);
        let woken = waits.load(Ordering::Acquire);
        let ready = waiter.join().unwrap();
        assert!(ready || woken, "a waiter sleeps through a cancel");
    });
}

fn open(registry: &Registry) -> Scope {
    let builder = Scope::builder("job").register_in(registry);
    builder.build().expect("it is sound")
}

fn told(events: &mut Events) -> Vec<&'static str> {
    std::iter::from_fn(|| events.try_next().map(|event| event.as_str())).collect()
}

#[test]
fn r37_an_event_with_a_reader_that_goes_to_sleep() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let mut events = registry.events();
        let worker = thread::spawn(move || drop(open(&registry)));
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let polled = Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker));
        worker.join().unwrap();
        let rest = told(&mut events);
        match polled {
            Poll::Ready(event) => {
                assert_eq!((event.unwrap().as_str(), rest), ("opened", vec!["ended"]))
            }
            Poll::Pending => {
                assert_eq!(wakes.count(), 1, "a reader sleeps through an event");
                assert_eq!(rest, ["opened", "ended"]);
            }
        }
    });
}

#[test]
fn r37_opening_with_a_reader_that_comes() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let opener = thread::spawn({
            let registry = registry.clone();
            move || open(&registry)
        });
        let mut events = registry.events();
        let scope = opener.join().unwrap();
        assert!(registry.get(scope.id()).is_some());
        let before = told(&mut events);
        assert!(before.is_empty() || before == ["opened"], "{before:?}");
        scope.token().cancel();
        assert_eq!(
            told(&mut events),
            ["cancel_requested"],
            "told at once and once"
        );
        drop(scope);
        assert_eq!(told(&mut events), ["ended"]);
    });
}

#[test]
fn r37_a_cancel_with_the_end_and_with_a_reader() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let mut events = registry.events();
        let scope = open(&registry);
        let token = scope.token().clone();
        let canceller = thread::spawn(move || token.try_cancel());
        drop(scope);
        canceller.join().unwrap();
        let told = told(&mut events);
        assert!(
            told == ["opened", "ended"] || told == ["opened", "cancel_requested", "ended"],
            "{told:?}"
        );
    });
}

#[test]
fn r39_a_cancel_hook_with_the_end() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let builder = Scope::builder("job").register_in(&registry);
        let builder = builder.on_cancel_requested(move |_, _| {
            counted.fetch_add(1, SeqCst);
        });
        let scope = builder.build().unwrap();
        let operation = scope.operation().clone();
        let canceller = thread::spawn(move || operation.try_cancel());
        let cancelled = scope.is_cancelled();
        drop(scope);
        canceller.join().unwrap();
        let calls = calls.load(SeqCst);
        assert!(calls <= 1 && (calls == 1 || !cancelled), "{calls}");
    });
}

/// An operation that needs no runtime. It ends by being dropped: a run keeps the current operation in
/// a thread-local, which all threads of a model share.
fn operation(name: &'static str) -> Scope {
    Scope::builder(name).build().expect("it is sound")
}

/// What a hook has seen: the positions over all, and whether two calls ever overlapped.
#[derive(Default)]
struct Seen {
    positions: parking_lot::Mutex<Vec<(u64, bool)>>,
    running: AtomicUsize,
}

fn listen(scope: &Scope) -> (Arc<Seen>, ProgressRegistration) {
    let seen = Arc::new(Seen::default());
    let registration = scope.on_progress({
        let seen = Arc::clone(&seen);
        move |update| {
            assert_eq!(seen.running.fetch_add(1, SeqCst), 0);
            let position = update.snapshot().overall().position();
            let mut positions = seen.positions.lock();
            positions.push((position, update.is_last()));
            seen.running.fetch_sub(1, SeqCst);
        }
    });
    (seen, registration)
}

/// R38: one call at a time, each position at least the one before, and the last change is told.
#[test]
fn r38_two_threads_advance_what_is_listened_to() {
    loom::model(|| {
        let root = operation("root");
        let (seen, _registration) = listen(&root);
        let panics = isolated_panics();
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        root.progress().advance(2);
        other.join().unwrap();
        let positions = seen.positions.lock();
        assert!(positions.is_sorted());
        assert_eq!(positions.last(), Some(&(3, false)), "a change was not told");
        assert_eq!(isolated_panics(), panics, "two calls overlapped");
    });
}

/// R38: the end is told once, after everything else, whoever has the hook then.
#[test]
fn r38_an_end_with_an_advance() {
    bounded(|| {
        let root = operation("root");
        let (seen, _registration) = listen(&root);
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        let handle = root.operation().clone();
        drop(root);
        other.join().unwrap();
        let positions = seen.positions.lock();
        let (last, earlier) = positions.split_last().expect("the end was told");
        assert!(last.1 && earlier.iter().all(|(_, is_last)| !is_last));
        assert_eq!(last.0, handle.progress().position(), "it stands still");
    });
}

/// R38: a hook that is unregistered while it is called is gone afterwards, and is not called again.
#[test]
fn r38_an_advance_with_the_drop_of_the_registration() {
    loom::model(|| {
        let root = operation("root");
        let (seen, registration) = listen(&root);
        let progress = root.progress().clone();
        let other = thread::spawn(move || progress.advance(1));
        drop(registration);
        other.join().unwrap();
        root.progress().advance(1);
        assert!(seen.positions.lock().len() <= 1);
        assert_eq!(Arc::strong_count(&seen), 1, "a hook was left behind");
    });
}

/// R38: who sums up while a part leaves counts it once.
#[test]
fn r38_a_sum_with_the_end_of_a_part_and_of_what_is_below_it() {
    bounded(|| {
        let root = operation("root");
        let part = root.child("part").build().expect("it is sound");
        let leaf = part.child("leaf").build().expect("it is sound");
        part.progress().advance(1);
        leaf.progress().advance(2);
        let ending = [part, leaf].map(|scope| thread::spawn(move || drop(scope)));
        assert_eq!(root.progress().snapshot().overall().position(), 3);
        ending.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(root.progress().snapshot().overall().position(), 3);
        assert!(root.progress().parts().is_empty(), "a part did not leave");
    });
}

/// R38: several changes are seen together or not at all, here and above.
#[test]
fn r38_several_changes_as_one_with_who_reads() {
    bounded(|| {
        let root = operation("root");
        let part = root.child("part").build().expect("it is sound");
        let progress = part.progress().clone();
        let other = thread::spawn(move || {
            let change = progress.change().set_position(2).set_total(3);
            change.set_message("copying").apply();
        });
        let all = root.progress().snapshot();
        let figures = (all.overall().position(), all.overall().total());
        assert!(
            figures == (0, None) || figures == (2, Some(3)),
            "{figures:?}"
        );
        let own = part.progress().snapshot();
        let seen = (own.position(), own.total(), own.message());
        let (none, whole) = ((0, None, None), (2, Some(3), Some("copying")));
        assert!(seen == none || seen == whole, "{seen:?}");
        other.join().unwrap();
        assert_eq!(part.progress().position(), 2);
    });
}

/// Partial results: two updates both count, and who waits for the other is woken.
#[test]
fn r38_two_updates_of_a_partial_result() {
    loom::model(|| {
        let root = operation("root");
        let other = thread::spawn({
            let operation = root.operation().clone();
            move || operation.partial().update(|sum: &mut u64| *sum += 1)
        });
        let own = root.partial().update(|sum: &mut u64| *sum += 2);
        assert_eq!((own, other.join().unwrap()), (Ok(()), Ok(())));
        assert_eq!(root.partial().take(), Some(3_u64));
    });
}
