//! Joining a task: its value, its panic, its loss, and the drops that precede the join.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
use cancelable_core::testing::ManualRuntime;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Goes away like Tokio does: by dropping what it is given without a word.
struct Dropping(RuntimeHandle);

impl RuntimeAdapter for Dropping {
    fn name(&self) -> &'static str {
        "dropping"
    }
    fn now(&self) -> Instant {
        self.0.now()
    }
    fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
        panic!("no test here waits for a time")
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        drop(task);
        Ok(())
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(job);
        Ok(())
    }
}

/// Looks, at the moment it is woken, whether the flag is set.
struct Looking {
    flag: Arc<AtomicBool>,
    was_set: AtomicBool,
}

impl Wake for Looking {
    fn wake(self: Arc<Self>) {
        self.was_set
            .store(self.flag.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

/// Sets the flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Ready when told; owns a value that is dropped with the future, not when it completes.
struct Owning(
    #[allow(dead_code, reason = "held for its drop")] Dropped,
    Ending,
);

enum Ending {
    Value,
    Panic,
    Never,
}

impl Future for Owning {
    type Output = u8;
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<u8> {
        match self.1 {
            Ending::Value => Poll::Ready(7),
            Ending::Panic => panic!("boom"),
            Ending::Never => Poll::Pending,
        }
    }
}

#[test]
fn r25_joining_gives_the_value_and_wakes_once() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    let mut handle = runtime.spawn(async { 7 });
    assert!(probe.poll(Pin::new(&mut handle)).is_pending());
    assert!(probe.poll(Pin::new(&mut handle)).is_pending());
    assert!(!handle.is_finished());
    manual.run_until_idle();
    assert!(handle.is_finished());
    assert_eq!(probe.wakes(), 1);
    assert!(matches!(
        probe.poll(Pin::new(&mut handle)),
        Poll::Ready(Ok(7))
    ));
}

#[test]
fn r25_joining_wakes_whoever_polled_last() {
    let manual = ManualRuntime::new();
    let (first, last) = (Probe::new(), Probe::new());
    let mut handle = manual.handle().spawn(async {});
    assert!(first.poll(Pin::new(&mut handle)).is_pending());
    assert!(last.poll(Pin::new(&mut handle)).is_pending());
    manual.run_until_idle();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn r29_joining_twice_is_an_error_and_no_hang() {
    let manual = ManualRuntime::new();
    let mut handle = manual.handle().spawn(async { 7 });
    assert!(matches!(manual.block_on(&mut handle), Ok(7)));
    let error = manual.block_on(&mut handle).unwrap_err();
    assert!(!error.is_panic() && !error.is_lost());
    assert_eq!(
        error.to_string(),
        "the task was joined before, and a task returns its value once"
    );
}

#[test]
fn r25_dropping_a_join_handle_detaches() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let done = Arc::new(AtomicUsize::new(0));
    for detach in [false, true] {
        let (done, sleep) = (done.clone(), runtime.sleep(SECOND));
        let handle = runtime.spawn(async move {
            sleep.await;
            done.fetch_add(1, Ordering::SeqCst);
        });
        if detach {
            handle.detach();
        } else {
            drop(handle);
        }
    }
    manual.advance(SECOND);
    assert_eq!(done.load(Ordering::SeqCst), 2);
}

#[test]
fn r25_a_panic_of_a_task_is_a_value() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let error = manual
        .block_on(runtime.spawn(async { std::panic::panic_any("boom 7".to_owned()) }))
        .unwrap_err();
    assert!(error.is_panic() && !error.is_lost());
    assert_eq!(error.to_string(), "the task panicked: boom 7");
    assert_eq!(
        *error.into_panic().unwrap().downcast::<String>().unwrap(),
        "boom 7"
    );

    let error = manual
        .block_on(runtime.spawn_blocking(|| panic!("bang")))
        .unwrap_err();
    assert_eq!(
        *error.into_panic().unwrap().downcast::<&str>().unwrap(),
        "bang"
    );
}

#[test]
fn r10_a_detached_task_that_panics_stops_nobody() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    drop(runtime.spawn(async { panic!("boom") }));
    drop(runtime.spawn_blocking(|| panic!("bang")));
    let next = runtime.spawn(async { 7 });
    assert!(matches!(manual.block_on(next), Ok(7)));
}

#[test]
fn r10_a_value_whose_drop_panics_stops_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the drop of a value");
        }
    }
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    drop(runtime.spawn(async { Bomb }));
    let bomb = Bomb;
    let held = runtime.spawn(future::poll_fn(move |_| {
        let _held = &bomb;
        Poll::Ready(7)
    }));
    assert!(
        matches!(manual.block_on(held), Ok(7)),
        "the value was produced before the drop"
    );
}

#[test]
fn r25_what_a_task_owned_is_gone_when_its_end_is_reported() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    for ending in [Ending::Value, Ending::Panic] {
        let gone = Arc::new(AtomicBool::new(false));
        let mut handle = runtime.spawn(Owning(Dropped(gone.clone()), ending));
        let looking = Arc::new(Looking {
            flag: gone,
            was_set: AtomicBool::new(false),
        });
        let waker = Waker::from(looking.clone());
        assert!(
            Pin::new(&mut handle)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        manual.run_until_idle();
        assert!(looking.was_set.load(Ordering::SeqCst));
    }
}

#[test]
fn r24_work_on_a_runtime_that_is_gone_is_lost_and_does_not_hang() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    manual.shut_down();
    let here = ManualRuntime::new();
    let error = here.block_on(runtime.spawn(async {})).unwrap_err();
    assert!(error.is_lost() && !error.is_panic());
    assert_eq!(
        error.to_string(),
        "the task was never run by the manual runtime; keep the runtime alive until its tasks are joined"
    );
    assert!(
        here.block_on(runtime.spawn_blocking(|| ()))
            .unwrap_err()
            .is_lost()
    );
    assert!(
        here.block_on(runtime.spawn(async {}))
            .unwrap_err()
            .into_panic()
            .is_err()
    );
}

#[test]
fn r24_work_that_a_runtime_drops_without_a_word_is_lost_and_does_not_hang() {
    let manual = ManualRuntime::new();
    let runtime = RuntimeHandle::new(Dropping(manual.handle()));
    assert!(
        manual
            .block_on(runtime.spawn(async {}))
            .unwrap_err()
            .is_lost()
    );
    assert!(
        manual
            .block_on(runtime.spawn_blocking(|| ()))
            .unwrap_err()
            .is_lost()
    );
}

#[test]
fn r24_a_task_that_is_dropped_half_way_is_lost_after_it_is_gone() {
    let manual = ManualRuntime::new();
    let gone = Arc::new(AtomicBool::new(false));
    let mut handle = manual
        .handle()
        .spawn(Owning(Dropped(gone.clone()), Ending::Never));
    let probe = Probe::new();
    manual.run_until_idle();
    assert!(probe.poll(Pin::new(&mut handle)).is_pending());
    manual.shut_down();
    assert!(gone.load(Ordering::SeqCst));
    assert_eq!(probe.wakes(), 1);
    let Poll::Ready(Err(error)) = probe.poll(Pin::new(&mut handle)) else {
        panic!("the loss was not reported");
    };
    assert!(error.is_lost());
    assert_eq!(
        error.to_string(),
        "the task was dropped before its end by the manual runtime; keep the runtime alive until its tasks are joined"
    );
}

#[test]
fn r25_blocking_work_gives_its_value() {
    let manual = ManualRuntime::new();
    assert!(matches!(
        manual.block_on(manual.handle().spawn_blocking(|| 7)),
        Ok(7)
    ));
}
