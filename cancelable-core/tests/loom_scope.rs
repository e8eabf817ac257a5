//! What of a scope several threads touch at once, under every interleaving: children that leave while
//! they are joined, a shield that ends beside a cancel, and what comes late.
//!
//! Run with `ci/loom.sh`. Tasks are taken from the runtime and polled by hand, so that a model has no
//! more threads than it needs.
#![cfg(all(cancelable_loom, feature = "scope"))]
#![allow(missing_docs)]

use cancelable_core::operation::{Operation, Status};
use cancelable_core::registry::Filter;
use cancelable_core::runtime::{Job, Refused, Runtime, RuntimeHandle, Task, Timer};
use cancelable_core::{CancellationToken, Cause, Outcome, Reason, Registry, Scope};
use loom::thread;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
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

/// A runtime that keeps its tasks for the model to poll, and at which the model moves the time.
struct Shelf {
    tasks: Mutex<Vec<Task>>,
    now: Mutex<Instant>,
}

impl Shelf {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            tasks: Mutex::default(),
            now: Mutex::new(Instant::now()),
        })
    }

    fn handle(self: &Arc<Self>) -> RuntimeHandle {
        RuntimeHandle::new(OnShelf(self.clone()))
    }

    fn take(&self) -> Option<Task> {
        self.tasks.lock().unwrap().pop()
    }
}

struct OnShelf(Arc<Shelf>);

impl Runtime for OnShelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn now(&self) -> Instant {
        *self.0.now.lock().unwrap()
    }

    fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(Silent)
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.0.tasks.lock().unwrap().push(task);
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

/// A timer that does not ring: where the time is moved, the model polls.
struct Silent;

impl Future for Silent {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Timer for Silent {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

/// A future that is ready once it is let go. Whoever lets it go polls it afterwards.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, SeqCst);
    }

    fn opened(&self) -> impl Future<Output = ()> + Send + 'static {
        let gate = self.clone();
        poll_fn(move |_| match gate.0.load(SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
    }
}

fn scope(shelf: &Arc<Shelf>) -> Scope {
    Scope::builder("model")
        .detached()
        .runtime(&shelf.handle())
        .build()
        .unwrap()
}

/// Polls a run to its end. Nothing else will happen, so before each poll it must have been woken:
/// at first since there were `seen` wakes.
fn finish<R, T>(mut run: Pin<&mut R>, wakes: &Arc<Wakes>, mut seen: usize) -> Outcome<T>
where
    R: Future<Output = Outcome<T>> + ?Sized,
{
    let waker = Waker::from(wakes.clone());
    loop {
        let now = wakes.0.load(SeqCst);
        assert!(now > seen, "the run sleeps for ever");
        seen = now;
        if let Poll::Ready(outcome) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
    }
}

/// The outcome of a poll beside other threads, or of those that follow it; see [`finish`].
fn finish_after<R, T>(
    early: Poll<Outcome<T>>,
    run: Pin<&mut R>,
    wakes: &Arc<Wakes>,
    seen: usize,
) -> Outcome<T>
where
    R: Future<Output = Outcome<T>> + ?Sized,
{
    match early {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => finish(run, wakes, seen),
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(wakes.clone())))
}

fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// They are dropped and not polled there: what is current is kept in the thread's own storage, which
/// the threads of a model share.
#[test]
fn r25_children_that_leave_while_they_are_joined_are_not_missed() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let scope = Scope::builder("model").detached().collect_all();
        let scope = scope.runtime(&shelf.handle()).build().unwrap();
        let mut run = Box::pin(scope.run(|op| async move {
            for _ in 0..2 {
                op.spawn(async {}).unwrap();
            }
        }));
        let polled = poll(run.as_mut(), &wakes);
        assert!(polled.is_pending(), "two children have not ended");
        let others: Vec<_> = std::iter::from_fn(|| shelf.take())
            .map(|task| thread::spawn(move || drop(task)))
            .collect();
        // While they leave.
        let seen = wakes.0.load(SeqCst);
        let early = poll(run.as_mut(), &wakes);
        for other in others {
            other.join().unwrap();
        }
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Completed);
        assert_eq!(outcome.child_failures().len(), 2);
    });
}

#[test]
fn r22_a_cancel_beside_the_end_of_the_last_shield_is_delivered() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, gate) = (scope(&shelf), Gate::default());
        let saved = Arc::new(AtomicBool::new(false));
        let mut run = Box::pin(scope.run(|op| {
            let (opened, saved) = (gate.opened(), saved.clone());
            async move {
                op.shield(async {
                    opened.await;
                    saved.store(true, SeqCst);
                })
                .await;
                pending::<()>().await;
            }
        }));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let canceller = thread::spawn({
            let operation = scope.operation().clone();
            move || operation.try_cancel()
        });
        gate.open();
        let seen = wakes.0.load(SeqCst);
        let early = poll(run.as_mut(), &wakes);
        assert!(canceller.join().unwrap());
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
        assert!(saved.load(SeqCst));
    });
}

/// A shield that another thread drops, in a body that hands it out.
#[test]
fn r22_a_shield_that_ends_on_another_thread_beside_a_cancel_holds_nothing_up() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let scope = scope(&shelf);
        let out = Arc::new(Mutex::new(None));
        let mut run = Box::pin(scope.run(|op: Scope| {
            let out = out.clone();
            async move {
                let mut shield = Box::pin(op.operation().clone().shield(pending::<()>()));
                poll_fn(|cx| {
                    assert!(shield.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                *out.lock().unwrap() = Some(shield);
                pending::<()>().await;
            }
        }));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let shield = out.lock().unwrap().take();
        let dropper = thread::spawn(move || drop(shield));
        assert!(scope.try_cancel());
        let seen = wakes.0.load(SeqCst);
        let early = poll(run.as_mut(), &wakes);
        dropper.join().unwrap();
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
    });
}

/// A run that no body polls, and that is polled again just as what it has open is taken over.
#[test]
fn r47_a_run_that_is_polled_beside_its_takeover_runs_its_finalizer_once() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let outer = scope(&shelf);
        let inner = outer.child("inner").build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = ran.clone();
        inner
            .defer(async move {
                count.fetch_add(1, SeqCst);
            })
            .unwrap();
        let mut run = Box::pin(inner.run(|_| pending::<()>()));
        let mut around = Box::pin(outer.run(|_| pending::<()>()));
        assert!(poll(run.as_mut(), &Arc::default()).is_pending());
        assert!(poll(around.as_mut(), &wakes).is_pending());
        assert!(outer.try_cancel());
        assert!(
            poll(around.as_mut(), &wakes).is_pending(),
            "it waits for it"
        );
        *shelf.now.lock().unwrap() += std::time::Duration::from_secs(1);
        let other = thread::spawn(move || {
            let _ = poll(run.as_mut(), &Arc::default());
            run
        });
        let seen = wakes.0.load(SeqCst);
        let early = poll(around.as_mut(), &wakes);
        let run = other.join().unwrap();
        while let Some(mut task) = shelf.take() {
            assert!(poll(task.as_mut(), &Arc::default()).is_ready());
        }
        let outcome = finish_after(early, around.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Cancelled);
        assert_eq!(ran.load(SeqCst), 1);
        drop(run);
        assert_eq!(ran.load(SeqCst), 1);
    });
}

/// A wait that was polled once beside the end it waits for, with its wakes.
type Waited<F> = (Poll<<F as Future>::Output>, F, Arc<Wakes>);

fn wait_once<F: Future + Unpin>(mut wait: F) -> Waited<F> {
    let wakes = Arc::new(Wakes::default());
    (poll(Pin::new(&mut wait), &wakes), wait, wakes)
}

/// What a wait ends with, now that the end has come: if it went to sleep, it was woken.
fn never_lost<F: Future + Unpin>((polled, mut wait, wakes): Waited<F>) -> F::Output {
    if let Poll::Ready(output) = polled {
        return output;
    }
    assert_eq!(wakes.0.load(SeqCst), 1, "a wait sleeps through the end");
    match poll(Pin::new(&mut wait), &wakes) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the end has come"),
    }
}

#[test]
fn r14_two_waits_for_the_end_of_an_operation_beside_it_are_not_missed() {
    bounded(|| {
        let scope = scope(&Shelf::new());
        let waits = [(); 2].map(|()| {
            let closed = scope.closed();
            thread::spawn(move || wait_once(closed))
        });
        let run = poll(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        for wait in waits {
            assert_eq!(never_lost(wait.join().unwrap()), Status::Completed);
        }
    });
}

#[test]
fn r10_a_wait_that_is_dropped_beside_the_end_of_an_operation_takes_no_other_with_it() {
    bounded(|| {
        let scope = scope(&Shelf::new());
        let (left, kept) = (wait_once(scope.closed()), wait_once(scope.closed()));
        let leaves = thread::spawn(move || drop(left));
        let run = poll(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        leaves.join().unwrap();
        assert_eq!(never_lost(kept), Status::Completed);
    });
}

#[test]
fn r14_a_task_that_ends_while_it_is_joined_wakes_who_joins() {
    loom::model(|| {
        let shelf = Shelf::new();
        let task = shelf.handle().spawn(async { 3 });
        let mut work = shelf.take().unwrap();
        let join = thread::spawn(move || wait_once(task));
        assert!(poll(Pin::new(&mut work), &Arc::default()).is_ready());
        assert_eq!(never_lost(join.join().unwrap()).ok(), Some(3));
    });
}

#[test]
fn r14_who_joins_with_another_waker_beside_the_end_is_woken_by_that() {
    loom::model(|| {
        let shelf = Shelf::new();
        let (polled, task, _) = wait_once(shelf.handle().spawn(async { 3 }));
        assert!(polled.is_pending());
        let work = shelf.take().unwrap();
        let join = thread::spawn(move || wait_once(task));
        // A task that is dropped is reported as lost.
        drop(work);
        assert!(never_lost(join.join().unwrap()).is_err());
    });
}

#[test]
fn r24_what_is_deferred_late_runs_or_comes_back() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, gate) = (scope(&shelf), Gate::default());
        let mut run = Box::pin(scope.run(|_| gate.opened()));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let ran = Arc::new(AtomicBool::new(false));
        let late = thread::spawn({
            let (operation, ran) = (scope.operation().clone(), ran.clone());
            move || {
                operation
                    .defer(async move { ran.store(true, SeqCst) })
                    .is_ok()
            }
        });
        gate.open();
        let polled = poll(run.as_mut(), &wakes);
        assert!(polled.is_ready(), "nothing of it waits");
        let deferred = late.join().unwrap();
        assert_eq!(ran.load(SeqCst), deferred);
    });
}

#[test]
fn r25_a_child_that_comes_beside_the_end_is_joined_or_refused() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let (scope, gate) = (scope(&shelf), Gate::default());
        let mut run = Box::pin(scope.run(|_| gate.opened()));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let late = thread::spawn({
            let scope = scope.clone();
            move || scope.spawn(async {}).is_ok()
        });
        gate.open();
        let seen = wakes.0.load(SeqCst);
        let early = poll(run.as_mut(), &wakes);
        let spawned = late.join().unwrap();
        let child = shelf.take();
        assert_eq!(child.is_some(), spawned);
        match early {
            Poll::Ready(_) => assert!(!spawned, "the run has returned without its child"),
            Poll::Pending => {
                if let Some(mut child) = child {
                    let polled = child.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(polled.is_ready());
                }
                assert_eq!(
                    finish(run.as_mut(), &wakes, seen).status(),
                    Status::Completed
                );
            }
        }
    });
}

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
    assert!(poll(run.as_mut(), &wakes).is_pending());
    (scope, run, wakes)
}

/// The token is asked for while the run is polled again, which has waited without one.
#[test]
fn r16_a_cancel_of_a_token_that_is_made_meanwhile_wakes_the_run() {
    bounded(|| {
        let above = Scope::builder("above").detached().build().unwrap();
        for above in [None, Some(&above)] {
            let (scope, mut run, wakes) = waiting(above);
            let operation = scope.operation().clone();
            let other = thread::spawn(move || assert!(operation.token().try_cancel()));
            let seen = wakes.0.load(SeqCst);
            let early = poll(run.as_mut(), &wakes);
            other.join().unwrap();
            let outcome = finish_after(early, run.as_mut(), &wakes, seen);
            assert!(outcome.is_cancelled());
            assert_eq!(outcome.cause().map(Cause::is_inherited), Some(false));
        }
    });
}

/// As above, and the run has not come to its wait yet.
#[test]
fn r16_a_cancel_of_a_token_that_is_made_beside_the_first_poll_is_seen() {
    bounded(|| {
        let wakes = Arc::new(Wakes::default());
        let scope = Scope::builder("model").detached().build().unwrap();
        let mut run = Box::pin(scope.run(|_| pending::<()>()));
        let operation = scope.operation().clone();
        let other = thread::spawn(move || assert!(operation.try_cancel()));
        let early = poll(run.as_mut(), &wakes);
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
        let seen = wakes.0.load(SeqCst);
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
        let seen = wakes.0.load(SeqCst);
        let operation = scope.operation().clone();
        let other = thread::spawn(move || (operation.try_cancel(), operation.token().clone()));
        let won = scope.try_cancel();
        let (theirs, token) = other.join().unwrap();
        assert_ne!(won, theirs);
        assert_eq!(&token, scope.token());
        assert!(finish(run.as_mut(), &wakes, seen).is_cancelled());
    });
}

#[test]
fn r14_a_token_that_is_handed_out_beside_the_end_is_cancelled_for_it() {
    bounded(|| {
        let scope = scope(&Shelf::new());
        let operation = scope.operation().clone();
        let other = thread::spawn(move || wait_once(operation.token().clone().cancelled_owned()));
        let run = poll(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        never_lost(other.join().unwrap());
        assert_eq!(scope.token().reason(), Some(Reason::ScopeEnded));
        assert!(scope.cause().is_none());
    });
}

#[test]
fn r14_the_token_is_cancelled_by_the_end_or_by_the_last_that_ends_inside_beside_it() {
    bounded(|| {
        let scope = scope(&Shelf::new());
        let inside = scope.child("inside").build().unwrap();
        let token = scope.token().clone();
        let other = thread::spawn(move || drop(inside));
        let run = poll(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        other.join().unwrap();
        assert_eq!(token.reason(), Some(Reason::ScopeEnded));
    });
}

#[test]
fn r01_r34_a_cancel_beside_the_end_is_on_record_or_answers_false() {
    for has_token in [false, true] {
        bounded(move || {
            let scope = scope(&Shelf::new());
            if has_token {
                drop(scope.token().clone());
            }
            let operation = scope.operation().clone();
            let other = thread::spawn(move || operation.try_cancel());
            let run = poll(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
            let Poll::Ready(outcome) = run else {
                panic!("its body is ready, or was never started")
            };
            let won = other.join().unwrap();
            assert_eq!(scope.cause().is_some(), won);
            assert_eq!(outcome.cause().is_some(), won);
        });
    }
}

/// The token above says cancelled before what hangs below it does, for it reads its parent's branch.
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

/// The token above says cancelled, and the scope's own, which was made meanwhile, does not yet.
#[test]
fn r03_a_run_does_not_end_for_a_cancel_that_its_own_token_does_not_know_yet() {
    bounded(|| {
        let root = CancellationToken::new();
        let above = Scope::builder("above").detached().token(&root);
        let above = above.build().unwrap();
        let (scope, mut run, wakes) = waiting(Some(&above));
        let seen = wakes.0.load(SeqCst);
        let asks = thread::spawn({
            let operation = scope.operation().clone();
            move || drop(operation.token().clone())
        });
        let cancels = thread::spawn(move || root.cancel_with("from above"));
        let early = poll(run.as_mut(), &wakes);
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

/// A scope that is cancelled by two threads, each in its own way: who has its answer finds that all below
/// says cancelled.
fn cancelled_twice(second: impl Fn(&Registry, &Scope) + Clone + Send + Sync + 'static) {
    bounded(move || {
        let registry = Registry::builder().history(0).build();
        let scope = Scope::builder("model").detached().register_in(&registry);
        let scope = scope.build().unwrap();
        let leaf = scope.token().child_token().child_token();
        let other = thread::spawn({
            let operation = scope.operation().clone();
            move || operation.try_cancel()
        });
        // loom would not let the other thread come first: it forgets a load that is followed by one
        // of another thread.
        thread::yield_now();
        second(&registry, &scope);
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}

#[test]
fn r06_a_cancel_of_an_operation_that_answers_false_has_seen_the_first_one_reach_all() {
    cancelled_twice(|_, scope| {
        scope.cancel();
    });
}

#[test]
fn r06_a_cancel_of_all_that_reaches_none_has_seen_the_first_one_reach_all() {
    cancelled_twice(|registry, _| {
        registry.cancel_all(&Filter::new());
    });
}

#[test]
fn r06_a_cancel_of_all_for_the_cause_of_another_token_has_seen_the_first_one_reach_all() {
    cancelled_twice(|registry, _| {
        let token = CancellationToken::new();
        token.cancel();
        registry.cancel_all_with(&Filter::new(), token.cause().unwrap());
    });
}

/// A scope inside `above` that something was deferred to, which goes on when it is dropped.
fn leaving(above: &Scope) -> Scope {
    let scope = Scope::builder("inside").parent(above).build().unwrap();
    scope.defer(async {}).unwrap();
    scope
}

fn run_to_end(task: Option<Task>) {
    let mut task = task.expect("it goes on on the runtime");
    assert!(poll(task.as_mut(), &Arc::default()).is_ready());
}

/// A scope is dropped that was not run: a run that is dropped would put its operation in place, see
/// above.
#[test]
fn r25_what_is_left_inside_beside_the_end_is_joined_or_goes_to_the_scope_above() {
    bounded(|| {
        let shelf = Shelf::new();
        let (wakes, gate) = (Arc::new(Wakes::default()), Gate::default());
        let above = scope(&shelf);
        let outer = Scope::builder("model").parent(&above).build().unwrap();
        let mut run = Box::pin(outer.run(|_| gate.opened()));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let inside = leaving(&outer);
        let other = thread::spawn(move || drop(inside));
        gate.open();
        let seen = wakes.0.load(SeqCst);
        let early = poll(run.as_mut(), &wakes);
        other.join().unwrap();
        let left = shelf.take();
        let operation = above.operation().clone();
        if early.is_pending() {
            run_to_end(left);
            let outcome = finish(run.as_mut(), &wakes, seen);
            assert_eq!(outcome.status(), Status::Completed);
            drop(above);
            let closed = operation.closed();
            assert!(poll(Box::pin(closed).as_mut(), &wakes).is_ready());
            return;
        }
        drop(above);
        let mut closed = Box::pin(operation.closed());
        assert!(
            poll(closed.as_mut(), &wakes).is_pending(),
            "nobody waits for what was left"
        );
        let above = shelf.take();
        run_to_end(left);
        run_to_end(above);
        assert!(poll(closed.as_mut(), &wakes).is_ready());
    });
}

#[test]
fn r25_what_is_left_inside_beside_the_join_is_joined_or_goes_on_by_itself() {
    bounded(|| {
        let shelf = Shelf::new();
        let wakes = Arc::new(Wakes::default());
        let scope = scope(&shelf);
        let mut run = Box::pin(scope.run(|op| async move { drop(leaving(&op)) }));
        assert!(poll(run.as_mut(), &wakes).is_pending());
        let first = shelf.take();
        let second = leaving(&scope);
        let other = thread::spawn(move || drop(second));
        let seen = wakes.0.load(SeqCst);
        run_to_end(first);
        let early = poll(run.as_mut(), &wakes);
        other.join().unwrap();
        run_to_end(shelf.take());
        let outcome = finish_after(early, run.as_mut(), &wakes, seen);
        assert_eq!(outcome.status(), Status::Completed);
    });
}
