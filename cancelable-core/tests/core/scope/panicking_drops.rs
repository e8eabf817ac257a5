//! User values whose drop panics, alone or during another panic, and clocks that panic: each scope still ends,
//! and the process does not abort (R9, R10, R24, R28).

use crate::support::{SECOND, open_on};
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
use cancelable_core::source::{self, Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use parking_lot::Mutex;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Panics when it is dropped, and before that when it is polled, named or asked.
struct Spite {
    polls: bool,
}

impl Drop for Spite {
    fn drop(&mut self) {
        panic!("the drop of the test's");
    }
}

impl Future for Spite {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.polls {
            true => panic!("the poll of the test's"),
            false => Poll::Pending,
        }
    }
}

impl Source for Spite {
    fn name(&self) -> Cow<'static, str> {
        match self.polls {
            true => panic!("the name of the test's"),
            false => "spite".into(),
        }
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Ok(Box::pin(async move {
            let _kept = self;
            pending().await
        }))
    }
}

/// The last clone of it panics when it is dropped.
struct Bitter;

/// The clones that were woken by value: they are not dropped.
static WOKEN: Mutex<Vec<Arc<Bitter>>> = Mutex::new(Vec::new());

impl Wake for Bitter {
    fn wake(self: Arc<Self>) {
        WOKEN.lock().push(self);
    }
}

impl Drop for Bitter {
    fn drop(&mut self) {
        panic!("the drop of a waker of the test's");
    }
}

/// Polls with a waker of its own, the last clone of which the library drops.
fn poll_bitterly<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(Bitter));
    let polled = future.poll(&mut Context::from_waker(&waker));
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    // It was the last clone, or it was not.
    drop(dropped);
    polled
}

#[test]
fn r09_r10_r28_a_waker_that_panics_in_its_drop_keeps_no_run_from_its_end() {
    let manual = ManualRuntime::new();
    let registry = Registry::new();
    for finalized in [false, true] {
        let builder = Scope::builder("import").runtime(&manual.handle());
        let scope = builder.timeout(SECOND * 60).register_in(&registry);
        let scope = scope.build().expect("it has a runtime");
        let ran = Arc::new(AtomicBool::new(false));
        let finish = Arc::new(AtomicBool::new(false));
        let (finished, finalizer) = (Arc::clone(&finish), Arc::clone(&ran));
        let mut run = Box::pin(scope.run(|op| async move {
            if finalized {
                let done = async move { finalizer.store(true, Ordering::SeqCst) };
                op.defer(done).expect("it is running");
            }
            let child = op.spawn(pending::<()>()).expect("it is running");
            let mut waits = pin!(op.token().cancelled());
            let mut joined = pin!(child);
            std::future::poll_fn(|_| {
                let _ = poll_bitterly(waits.as_mut());
                let _ = poll_bitterly(joined.as_mut());
                match finished.load(Ordering::SeqCst) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            })
            .await;
            joined.cancel();
        }));
        assert!(poll_bitterly(run.as_mut()).is_pending());
        assert!(poll_bitterly(run.as_mut()).is_pending());
        finish.store(true, Ordering::SeqCst);
        while poll_bitterly(run.as_mut()).is_pending() {
            manual.run_until_idle();
        }
        assert_eq!(scope.status(), Status::Completed);
        assert_eq!(ran.load(Ordering::SeqCst), finalized);
        assert!(registry.is_empty());
    }
}

#[test]
fn r24_a_finalizer_that_panics_in_its_poll_and_its_drop_is_named_and_stops_no_other() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let ran = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&ran);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.defer(async move { other.store(true, Ordering::SeqCst) })
            .expect("it is running");
        op.defer_named("spite", Spite { polls: true })
            .expect("it is running");
    }));
    assert!(outcome.is_completed() && ran.load(Ordering::SeqCst));
    let [error] = outcome.cleanup_errors() else {
        panic!("{:?}", outcome.cleanup_errors());
    };
    assert!(error.is_panic() && error.name() == "spite");
    // Neither is one that nobody runs.
    let lost = Scope::builder("lost").build().expect("it is sound");
    for _ in 0..2 {
        lost.defer(Spite { polls: false }).expect("it is pending");
    }
    drop(lost);
}

#[test]
fn r31_sources_that_panic_in_their_poll_and_their_drop_harm_nobody() {
    let manual = ManualRuntime::new();
    let spite = |polls| source::future(Spite { polls });
    let polled = || source::condition_async(SECOND, || AnswerOf(Spite { polls: true }));
    let group = || source::any_of(spite(false)).or(Spite { polls: false });
    let both = || source::all_of(Spite { polls: false }).and(spite(true));
    let scope = Scope::builder("import")
        .runtime(&manual.handle())
        .source(spite(true))
        .source(spite(false))
        .source(polled().expect("it has an interval"))
        .source(group())
        .source(both())
        .build()
        .expect("it has a runtime");
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(async |_| runtime.sleep(SECOND * 3).await));
    assert!(outcome.is_completed());
    // One that is never started, with others beside it.
    let builder = Scope::builder("never").source(Spite { polls: false });
    drop(
        builder
            .source(Spite { polls: false })
            .build()
            .expect("it is sound"),
    );
    let failed = Scope::builder("failed").source(Spite { polls: true });
    let failed = failed
        .source(Spite { polls: false })
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(failed.run(async |_| ()));
    assert_eq!(outcome.status(), Status::Failed);
}

struct AnswerOf(Spite);

impl Future for AnswerOf {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        Pin::new(&mut self.0).poll(cx).map(|()| true)
    }
}

/// A condition's error, an error of a child.
#[derive(Debug)]
enum Bad {
    Words,
    Source,
    Loop,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words => panic!("the words of the test's"),
            _ => f.write_str("bad"),
        }
    }
}

impl Error for Bad {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Source => panic!("the source of the test's"),
            Self::Loop => Some(self),
            Self::Words => None,
        }
    }
}

/// Becomes an error by a panic.
struct Into_;

impl From<Into_> for Box<dyn Error + Send + Sync> {
    fn from(_: Into_) -> Self {
        panic!("the conversion of the test's")
    }
}

#[test]
fn r26_r28_a_call_or_child_ends_whatever_its_error_does_on_the_way_out() {
    for is_blocking in [true, false] {
        for number in 0..4 {
            let manual = ManualRuntime::with_threads();
            let registry = Registry::new();
            let builder = Scope::builder("import")
                .runtime(&manual.handle())
                .collect_all();
            let scope = builder.register_in(&registry).build().expect("it is sound");
            let outcome = manual.block_on(scope.run(async |op: Scope| {
                let bad = match number {
                    0 => Bad::Words,
                    1 => Bad::Source,
                    _ => Bad::Loop,
                };
                let child = match (is_blocking, number) {
                    (true, 3) => op.try_spawn_blocking(|_| Err::<(), _>(Into_)).ok(),
                    (false, 3) => op.try_spawn(async { Err::<(), _>(Into_) }).ok(),
                    (true, _) => op
                        .try_spawn_blocking(move |token| {
                            token.cancel();
                            Err::<(), _>(bad)
                        })
                        .ok(),
                    (false, _) => {
                        let future = async move {
                            cancelable_core::current().expect("it runs here").cancel();
                            std::future::ready(()).await;
                            Err::<(), _>(bad)
                        };
                        op.try_spawn(future).ok()
                    }
                };
                let child = child.expect("it is running");
                let operation = child.operation().clone();
                let joined = child.await;
                assert!(joined.is_err());
                assert!(operation.finished().await.is_terminal());
            }));
            assert_eq!(outcome.child_failures().len(), 1, "{is_blocking} {number}");
            assert!(registry.is_empty(), "{is_blocking} {number}");
        }
    }
}

/// A clock that breaks, and no more.
struct Broken(Arc<AtomicBool>, Instant);

impl RuntimeAdapter for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn now(&self) -> Instant {
        assert!(!self.0.load(Ordering::SeqCst), "the clock of the test's");
        self.1
    }

    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(Never)
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Timer for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

#[test]
fn r28_a_clock_that_panics_while_a_run_is_dropped_by_a_panic_leaves_the_run_closed() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let start = ManualRuntime::new().handle().now();
    let runtime = RuntimeHandle::new(Broken(Arc::clone(&is_broken), start));
    let registry = Registry::new();
    let builder = Scope::builder("import").runtime(&runtime).timeout(SECOND);
    let scope = builder
        .register_in(&registry)
        .build()
        .expect("it has a runtime");
    let mut run = Box::pin(scope.run(|_| pending::<()>()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _run = run;
        is_broken.store(true, Ordering::SeqCst);
        panic!("the caller of the test's");
    }));
    assert!(unwound.is_err());
    assert_eq!(scope.status(), Status::Cancelled);
    assert!(registry.is_empty());
}
