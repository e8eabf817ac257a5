//! A logger that panics wherever it can (R10). Its own binary, because a process has one logger.
#![cfg(feature = "testing")]
#![allow(missing_docs)]

use cancelable_core::operation::Hooks;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::source;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{CancellationToken, Registry, RuntimeHandle, Scope, Status};
use parking_lot::{Mutex, MutexGuard};
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Once, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A logger that panics in `enabled` and in `log`.
struct Panics;

static ASKED: AtomicBool = AtomicBool::new(false);
/// The waiters that had been woken when the first line was logged.
static WOKEN_BEFORE_THE_LINE: AtomicUsize = AtomicUsize::new(0);
static WOKEN: AtomicUsize = AtomicUsize::new(0);

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        panic!("the logger was asked");
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() == log::Level::Debug && !ASKED.swap(true, SeqCst) {
            WOKEN_BEFORE_THE_LINE.store(WOKEN.load(SeqCst), SeqCst);
        }
        panic!("the logger was told");
    }

    fn flush(&self) {}
}

/// Sets the logger. The count of panics is the process's, so one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    static SET: Once = Once::new();
    let alone = ALONE.lock();
    SET.call_once(|| {
        log::set_logger(&Panics).expect("it is the first");
        log::set_max_level(log::LevelFilter::Trace);
    });
    ASKED.store(false, SeqCst);
    alone
}

/// Returns the output of `code`, and checks that the logger has panicked meanwhile.
fn told<T>(code: impl FnOnce() -> T) -> T {
    let before = isolated_panics();
    let value = code();
    assert!(isolated_panics() > before, "the logger was told nothing");
    value
}

struct Counts;

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        WOKEN.fetch_add(1, SeqCst);
    }
}

struct Hostile;

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        panic_any(Bomb);
    }
}

/// A payload whose drop panics: while the logger's panic unwinds, that would abort.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload was dropped");
    }
}

#[test]
fn r10_a_logger_that_panics_stops_nobody_and_is_told_after_the_waiters() {
    let _alone = alone();
    let root = CancellationToken::new();
    let child = root.child_token();
    let wakers = [
        Waker::from(Arc::new(Counts)),
        Waker::from(Arc::new(Hostile)),
        Waker::from(Arc::new(Counts)),
    ];
    let _waits = wakers.map(|waker| {
        let mut wait = child.clone().cancelled_owned();
        let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        wait
    });
    let runs = Arc::new(AtomicUsize::new(0));
    for panics in [false, true, false] {
        let runs = runs.clone();
        child
            .on_cancel(move |_| {
                runs.fetch_add(1, SeqCst);
                if panics {
                    panic_any(Bomb);
                }
            })
            .detach();
    }
    let before = isolated_panics();
    assert!(root.try_cancel());
    assert!(child.is_cancelled());
    assert_eq!((WOKEN.load(SeqCst), runs.load(SeqCst)), (2, 3));
    assert_eq!(WOKEN_BEFORE_THE_LINE.load(SeqCst), 2);
    // The waker, the callback, and the logger at the line about the cancel.
    assert_eq!(isolated_panics(), before + 3);
}

#[test]
fn r10_r28_a_scope_runs_to_its_end_beside_it() {
    let _alone = alone();
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let open = || {
        let scope = Scope::builder("job").runtime(&manual.handle());
        told(|| scope.register_in(&registry).build().unwrap())
    };
    let scope = open();
    let outcome = told(|| manual.block_on(scope.run(async |_| 7)));
    assert_eq!(outcome.into_value(), Some(7));

    let scope = open();
    let failed = scope.try_run(async |_| Err::<(), _>("torn"));
    let failed = told(|| manual.block_on(failed.with_error_text()));
    assert_eq!(failed.status(), Status::Failed);

    let scope = open();
    let operation = scope.operation().clone();
    let run = scope.run(async |_| panic_any("the body's own"));
    let panic = catch_unwind(AssertUnwindSafe(|| told(|| manual.block_on(run))));
    let panic = panic.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the body's own"));
    assert_eq!(operation.status(), Status::Failed);

    assert!(registry.is_empty());
    let tally = registry.statistics();
    assert_eq!(
        (tally.count(Status::Completed), tally.count(Status::Failed)),
        (1, 2)
    );
}

#[test]
fn r10_r28_a_scope_that_is_dropped_unrun_or_half_way_is_closed_beside_it() {
    let _alone = alone();
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let ended = Arc::new(AtomicUsize::new(0));
    let open = || {
        let ended = ended.clone();
        let scope = Scope::builder("job").runtime(&manual.handle());
        let hooks = Hooks::new().on_end(move |_| {
            ended.fetch_add(1, SeqCst);
        });
        let scope = scope.hooks(hooks);
        scope.register_in(&registry).build().unwrap()
    };
    let scope = open();
    let operation = scope.operation().clone();
    told(|| drop(scope));
    assert_eq!(operation.status(), Status::NeverRun);

    let scope = open();
    let mut run = Box::pin(scope.run(|_| pending::<()>()));
    assert!(poll(run.as_mut()).is_none());
    told(|| drop(run));
    assert_eq!(scope.operation().status(), Status::Cancelled);

    // While another panic unwinds, one that got out of the drop would end the process.
    let scope = open();
    let panic = catch_unwind(AssertUnwindSafe(move || {
        let _dropped = scope;
        panic_any("another");
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"another"));
    assert_eq!(ended.load(SeqCst), 3);
    assert!(registry.is_empty());
}

#[test]
fn r10_r23_r24_what_a_body_leaves_is_dealt_with_beside_it() {
    let _alone = alone();
    let manual = ManualRuntime::new();
    let scope = Scope::builder("job").runtime(&manual.handle());
    let scope = scope.grace(SECOND).build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.defer(async { Err::<(), _>("first") }).ok().unwrap();
        op.defer(async { Err::<(), _>("second") }).ok().unwrap();
        op.cancel();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.stragglers().len(), 1);
    assert_eq!(outcome.cleanup_errors().len(), 2);

    // The finalizers are not run, and the operation is settled nevertheless.
    let scope = Scope::builder("job").build().unwrap();
    let operation = scope.operation().clone();
    let mut run = Box::pin(scope.run(|op| {
        op.defer(pending::<()>()).ok().unwrap();
        op.defer(pending::<()>()).ok().unwrap();
        pending::<()>()
    }));
    assert!(poll(run.as_mut()).is_none());
    told(|| drop(run));
    assert!(poll(Box::pin(operation.finished()).as_mut()).is_some());
}

#[test]
fn r10_r26_a_wait_for_a_thread_ends_beside_it() {
    let _alone = alone();
    let manual = ManualRuntime::with_threads();
    let scope = Scope::builder("job").runtime(&manual.handle());
    let scope = scope.build().unwrap();
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut run = Box::pin(scope.run(|op| {
        let call = op.child("call").grace(SECOND).spawn_blocking(move |_| {
            begin.send(()).unwrap();
            ending.recv().is_ok()
        });
        drop(call.unwrap());
        pending::<()>()
    }));
    assert!(poll(run.as_mut()).is_none());
    begun.recv().unwrap();
    scope.cancel();
    assert!(poll(run.as_mut()).is_none());
    manual.advance(SECOND);
    let outcome = told(|| poll(run.as_mut())).expect("the wait is over");
    assert!(outcome.is_cancelled());
    drop(end);
}

#[test]
fn r10_r31_a_condition_that_fails_is_asked_again_beside_it() {
    struct Full;

    impl fmt::Display for Full {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no answer")
        }
    }

    let _alone = alone();
    let manual = ManualRuntime::new();
    let mut asked = 0;
    let condition = source::condition(SECOND, move || {
        asked += 1;
        if asked == 1 { Err(Full) } else { Ok(true) }
    });
    let scope = Scope::builder("job").runtime(&manual.handle());
    let scope = scope.source(condition.unwrap()).build().unwrap();
    let outcome = manual.block_on(scope.run(|_| pending::<()>()));
    assert_eq!(outcome.elapsed(), Some(SECOND));
}

#[test]
fn r10_r23_a_watchdog_tells_its_hook_beside_it() {
    let _alone = alone();
    let manual = ManualRuntime::new();
    let told_of = Arc::new(AtomicUsize::new(0));
    let scope = Scope::builder("job").runtime(&manual.handle());
    let scope = scope.grace(3 * SECOND).watchdog_with(SECOND, {
        let told_of = told_of.clone();
        move |stragglers| {
            told_of.fetch_add(stragglers.len(), SeqCst);
        }
    });
    let scope = scope.build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.cancel();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(told_of.load(SeqCst), 1);
}

/// A runtime that takes tasks and drops them: unpolled, or after one poll.
struct Drops {
    polls: bool,
}

impl RuntimeAdapter for Drops {
    fn name(&self) -> &'static str {
        "drops"
    }

    fn now(&self) -> Instant {
        unreachable!("nothing here asks for the time")
    }

    fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
        unreachable!("nothing here has a time limit")
    }

    fn spawn(&self, mut task: Task) -> Result<(), Refused<Task>> {
        if self.polls {
            assert!(poll(task.as_mut()).is_none());
        }
        drop(task);
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

#[test]
fn r10_r44_a_task_that_is_lost_is_reported_beside_it() {
    let _alone = alone();
    for polls in [false, true] {
        let runtime = RuntimeHandle::new(Drops { polls });
        let task = told(|| runtime.spawn(pending::<()>()));
        let lost = poll(Box::pin(task).as_mut()).expect("nothing is to come");
        assert!(lost.is_err());
    }
    let runtime = RuntimeHandle::new(Drops { polls: false });
    let job = told(|| runtime.spawn_blocking(|| ()));
    assert!(poll(Box::pin(job).as_mut()).expect("likewise").is_err());
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
