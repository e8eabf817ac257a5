//! Wakers that panic, poll at once or drop the last handle (R9, R10), in every wait for an end: of an operation,
//! a task, a child and a blocking call.

use crate::support::hand::{clone_acts, poll, waker};
use crate::support::probe::Probe;
use crate::support::{SECOND, open_on};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{CancellationToken, Outcome, Scope, Status, current};
use parking_lot::Mutex;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

fn panics() -> Waker {
    waker(|| panic!("a waker of the test's"))
}

/// A task that is polled on the thread that wakes it, before `wake` returns.
struct AtOnce {
    task: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    ended: AtomicBool,
}

impl AtOnce {
    fn start(task: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let started = Arc::new(Self {
            task: Mutex::new(Some(Box::pin(task))),
            ended: AtomicBool::new(false),
        });
        started.clone().wake();
        started
    }

    fn has_ended(&self) -> bool {
        self.ended.load(SeqCst)
    }
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        let Some(mut task) = self.task.lock().take() else {
            return;
        };
        let waker = Waker::from(self.clone());
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => self.ended.store(true, SeqCst),
            Poll::Pending => *self.task.lock() = Some(task),
        }
    }
}

#[test]
fn r10_one_panicking_waker_of_three_that_wait_for_an_end_leaves_no_other_asleep() {
    for place in 0..3 {
        let manual = ManualRuntime::new();
        let scope = open_on(&manual, "import");
        let before = isolated_panics();
        let probes = [(); 3].map(|()| Probe::new());
        let mut waits = [(); 3].map(|()| Box::pin(scope.finished()));
        for (at, wait) in waits.iter_mut().enumerate() {
            let polled = match at == place {
                true => poll(wait, &panics()),
                false => probes[at].poll(wait.as_mut()),
            };
            assert!(polled.is_pending());
        }
        let outcome = manual.block_on(scope.run(async |_| 7));
        assert_eq!(outcome.into_value(), Some(7));
        assert!(isolated_panics() > before);
        for (at, wait) in waits.iter_mut().enumerate() {
            assert_eq!(probes[at].wakes(), usize::from(at != place));
            assert_eq!(
                probes[at].poll(wait.as_mut()),
                Poll::Ready(Status::Completed)
            );
        }
    }
}

#[test]
fn r10_a_task_can_be_joined_after_a_panic_of_an_earlier_joiners_waker() {
    let manual = ManualRuntime::new();
    let before = isolated_panics();
    let mut task = manual.handle().spawn(async { 3 });
    assert!(poll(&mut task, &panics()).is_pending());
    manual.run_until_idle();
    assert!(isolated_panics() > before);
    let joined = poll(&mut task, Waker::noop());
    assert!(matches!(joined, Poll::Ready(Ok(3))), "{joined:?}");
}

#[test]
fn r10_a_child_can_be_joined_after_a_panic_of_an_earlier_joiners_waker() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let before = isolated_panics();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let mut child = op.spawn(async { 3 }).expect("the scope is running");
        assert!(poll(&mut child, &panics()).is_pending());
        child.finished().await;
        child.await.expect("it has a value")
    }));
    assert_eq!(outcome.into_value(), Some(3));
    assert!(isolated_panics() > before);
}

/// A scope with a call that ends on request, and is abandoned a second after its cancel.
fn with_stubborn_call<T>(
    act: impl AsyncFnOnce(&ManualRuntime, cancelable_core::scope::ChildHandle<()>) -> T,
) -> Option<T> {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let here = ManualRuntime::new();
    let outcome = here.block_on(scope.run(async |op: Scope| {
        let work = move |_: CancellationToken| {
            begin.send(()).expect("it is waited for");
            let _ = ending.recv();
        };
        let call = op.child("call").grace(SECOND).spawn_blocking(work);
        let call = call.expect("the scope is running");
        begun.recv().expect("it begins");
        act(&manual, call).await
    }));
    drop(end);
    outcome.into_value()
}

#[test]
fn r10_a_blocking_call_is_given_up_although_the_waker_of_its_handle_panics() {
    let value = with_stubborn_call(async |manual, mut call| {
        let before = isolated_panics();
        assert!(poll(&mut call, &panics()).is_pending());
        call.cancel();
        assert!(isolated_panics() > before, "it is told of the cancel");
        assert!(poll(&mut call, Waker::noop()).is_pending());
        manual.advance(SECOND);
        call.await.expect_err("it was given up").is_abandoned()
    });
    assert_eq!(value, Some(true));
}

#[test]
fn r09_who_is_polled_by_its_wake_may_wait_for_the_end_of_an_operation() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let waits = [(); 2].map(|()| {
        let (closed, again) = (scope.finished(), scope.finished());
        AtOnce::start(async move {
            closed.await;
            again.await;
        })
    });
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    assert!(waits.iter().all(|wait| wait.has_ended()));
}

#[test]
fn r09_who_is_polled_by_its_wake_may_join_a_task() {
    let manual = ManualRuntime::new();
    let task = manual.handle().spawn(async { 3 });
    let join = AtOnce::start(async move { assert_eq!(task.await.ok(), Some(3)) });
    manual.run_until_idle();
    assert!(join.has_ended());
}

#[test]
fn r09_who_is_polled_by_its_wake_may_join_a_child() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op.spawn(async { 3 }).expect("the scope is running");
        let closed = child.finished();
        let join = AtOnce::start(async move { assert_eq!(child.await.ok(), Some(3)) });
        closed.await;
        join
    }));
    assert!(outcome.into_value().is_some_and(|join| join.has_ended()));
}

#[test]
fn r09_who_is_polled_by_its_wake_may_join_a_blocking_call_that_is_given_up() {
    let value = with_stubborn_call(async |manual, call| {
        let operation = call.operation().clone();
        let join = AtOnce::start(async move {
            assert!(call.await.expect_err("it was given up").is_abandoned());
        });
        operation.cancel();
        manual.advance(SECOND);
        join
    });
    assert!(value.is_some_and(|join| join.has_ended()));
}

#[test]
fn r09_a_waker_may_end_its_wait_the_other_waits_and_let_go_of_the_last_handle() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let ran = Arc::new(AtomicUsize::new(0));
    let waits = Arc::new(Mutex::new(vec![scope.finished(), scope.finished()]));
    let act = {
        let (waits, ran) = (Arc::downgrade(&waits), ran.clone());
        let last = Mutex::new(Some(scope.operation().clone()));
        move || {
            let waits = waits
                .upgrade()
                .map(|waits| std::mem::take(&mut *waits.lock()));
            drop((waits, last.lock().take()));
            ran.fetch_add(1, SeqCst);
        }
    };
    let waker = waker(act);
    for wait in &mut *waits.lock() {
        assert!(poll(wait, &waker).is_pending());
    }
    drop(waker);
    let outcome = manual.block_on(async move { scope.run(async |_| ()).await });
    assert!(outcome.is_completed());
    assert_eq!((ran.load(SeqCst), waits.lock().len()), (2, 0));
}

#[test]
fn r09_a_waker_may_wait_for_the_same_end_where_it_is_cloned() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let clones = Arc::new(AtomicUsize::new(0));
    let waker = clone_acts({
        let (scope, clones) = (scope.clone(), clones.clone());
        move || {
            assert!(poll(&mut scope.finished(), Waker::noop()).is_pending());
            clones.fetch_add(1, SeqCst);
        }
    });
    let mut wait = scope.finished();
    assert!(poll(&mut wait, &waker).is_pending());
    assert_eq!(clones.load(SeqCst), 1);
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    assert_eq!(
        poll(&mut wait, Waker::noop()),
        Poll::Ready(Status::Completed)
    );
}

#[test]
fn r12_a_wait_that_is_dropped_leaves_no_waker_behind() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let probe = Arc::new(());
    let waker = {
        let probe = probe.clone();
        waker(move || {
            let _ = &probe;
        })
    };
    let mut task = manual.handle().spawn(pending::<()>());
    let mut waits = [(); 3].map(|()| scope.finished());
    assert!(waits.iter_mut().all(|wait| poll(wait, &waker).is_pending()));
    assert!(poll(&mut task, &waker).is_pending());
    drop((waits, task, waker));
    assert_eq!(Arc::strong_count(&probe), 1);
}

/// A run that waits for a child of one second, and then runs a finalizer that reports that it ran.
fn joining(
    scope: &Scope,
    manual: &ManualRuntime,
    ran: &Arc<AtomicBool>,
) -> Pin<Box<dyn Future<Output = Outcome<u8>>>> {
    let (ran, runtime) = (ran.clone(), manual.handle());
    Box::pin(scope.run(async move |op: Scope| {
        let finalizer = async move { ran.store(true, SeqCst) };
        op.defer(finalizer).expect("the scope is running");
        let work = async move {
            let own = current().expect("it is a child");
            own.shield(runtime.sleep(SECOND)).await;
        };
        op.spawn(work).expect("the scope is running");
        7
    }))
}

/// Polls with a waker whose clone panics; the panic is the caller's.
fn poll_with_a_clone_that_panics<F: Future + ?Sized>(run: Pin<&mut F>) {
    let waker = clone_acts(|| panic!("a clone of the test's"));
    let polled = catch_unwind(AssertUnwindSafe(|| {
        run.poll(&mut Context::from_waker(&waker)).is_ready()
    }));
    assert!(polled.is_err());
}

#[test]
fn r24_r28_a_waker_that_panics_in_its_clone_takes_no_finalizer_with_it() {
    let (manual, ran) = (ManualRuntime::new(), Arc::default());
    let scope = open_on(&manual, "import");
    let mut run = joining(&scope, &manual, &ran);
    assert!(poll(&mut run, Waker::noop()).is_pending());
    manual.run_until_idle();
    poll_with_a_clone_that_panics(run.as_mut());
    drop(run);
    manual.advance(SECOND);
    assert!(ran.load(SeqCst), "the finalizer has run");
    let closed = poll(&mut scope.finished(), Waker::noop());
    assert_eq!(closed, Poll::Ready(Status::Cancelled));
}

#[test]
fn r17_a_waker_that_panics_in_its_clone_takes_no_value_with_it() {
    let (manual, ran, probe) = (ManualRuntime::new(), Arc::default(), Probe::new());
    let scope = open_on(&manual, "import");
    let mut run = joining(&scope, &manual, &ran);
    assert!(probe.poll(run.as_mut()).is_pending());
    poll_with_a_clone_that_panics(run.as_mut());
    assert!(probe.poll(run.as_mut()).is_pending());
    let wakes = probe.wakes();
    manual.run_until_idle();
    manual.advance(SECOND);
    assert!(probe.wakes() > wakes, "its child wakes it");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("its child has ended");
    };
    assert_eq!(outcome.into_value(), Some(7));
    assert!(ran.load(SeqCst) && scope.status() == Status::Completed);
}
