//! The entry into a runtime and its discovery: `block_on` and `current`, for adapters only.

use crate::Subject;
use crate::plain::on_a_thread;
use cancelable_core::{CancellationToken, Scope};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// Everywhere inside a `block_on`, `current` returns a handle of the same runtime.
pub fn r27_current_is_found_in_block_on_in_tasks_and_in_blocking_work<S: Subject>() {
    S::run(async |runtime| {
        let in_a_task = runtime.spawn(async { S::current().unwrap().name() });
        assert_eq!(in_a_task.await.unwrap(), runtime.name());
        let in_blocking_work = runtime.spawn_blocking(|| S::current().unwrap().name());
        assert_eq!(in_blocking_work.await.unwrap(), runtime.name());
    });
}

pub fn r27_current_is_found_in_a_look<S: Subject>() {
    S::run(async |runtime| {
        let look = runtime.spawn_probe(|| S::current().unwrap().name());
        assert_eq!(look.await.unwrap(), runtime.name());
    });
}

/// The handle that blocking work finds is usable there.
pub fn r27_current_in_blocking_work_spawns_and_sleeps<S: Subject>() {
    S::run(async |runtime| {
        let work = runtime.spawn_blocking(|| {
            let inner = S::current().unwrap();
            let task = inner.spawn(async { 7 });
            S::block_on(async move {
                inner.sleep(Duration::from_millis(1)).await;
                task.await
            })
        });
        assert!(matches!(work.await, Ok(Ok(7))));
    });
}

/// A task that blocks its thread does not cause a deadlock.
pub fn r14_block_on_inside_a_task_runs_in_the_same_runtime<S: Subject>() {
    S::run(async |runtime| {
        let inner = runtime.clone();
        let task = runtime.spawn(async move {
            let other = inner.spawn(async { 7 });
            S::block_on(async {
                inner.sleep(Duration::from_millis(1)).await;
                other.await
            })
        });
        assert!(matches!(task.await, Ok(Ok(7))));
    });
}

/// The future of `block_on` stays on its thread, so it need be neither `Send` nor `'static`.
pub fn r16_block_on_takes_a_future_that_is_neither_send_nor_static<S: Subject>() {
    let text = Rc::new(String::from("here"));
    let borrowed: &str = &text;
    let length = S::block_on(async { Rc::clone(&text).len() + borrowed.len() });
    assert_eq!(length, 8);
}

/// A panic of the future unwinds in the caller, and the next `block_on` works.
pub fn r28_block_on_passes_a_panic_on_and_works_again<S: Subject>() {
    let panicked = catch_unwind(AssertUnwindSafe(|| S::block_on(async { panic!("boom") })));
    let payload: Box<dyn std::any::Any + Send> = panicked.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"boom"));
    assert_eq!(S::block_on(async { 7 }), 7);
}

/// `block_on` does not wait for detached blocking work, which ends here only after the return of `block_on`.
pub fn r26_block_on_does_not_wait_for_detached_blocking_work<S: Subject>() {
    let (release, released) = mpsc::channel();
    let (started, has_started) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    S::run(async |runtime| {
        runtime
            .spawn_blocking(move || {
                started.send(()).unwrap();
                let value: u8 = released.recv().unwrap();
                end.send(value).unwrap();
            })
            .detach();
        // Waits for the start: work that has not started at the end of the runtime may never start.
        has_started.recv().unwrap();
    });
    release.send(7).unwrap();
    assert_eq!(ended.recv(), Ok(7));
}

/// For adapters only: the clock of a manual runtime does not advance while a thread works.
pub fn r20_r26_a_thread_that_waits_is_woken_by_the_time_limit_of_its_call<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("work").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let call = op.child("hash").timeout(Duration::from_millis(20));
            let call = call.try_spawn_blocking(|token| {
                token.wait();
                token.check()
            });
            // A thread that begins late is cancelled before its work is run.
            let error = call.unwrap().await.unwrap_err();
            (
                error.cancellation().unwrap().is_timeout(),
                op.is_cancelled(),
            )
        });
        assert_eq!(outcome.await.into_value(), Some((true, false)));
    });
}

/// A handle works on a thread outside the runtime, and does not make the runtime current there.
pub fn r14_a_handle_works_on_a_thread_outside_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let (handle, sleep) = on_a_thread(move || {
            let start = runtime.now();
            let sleep = runtime.sleep(Duration::from_millis(1));
            assert!(runtime.now() >= start);
            (runtime.spawn(async { S::current().unwrap().name() }), sleep)
        });
        sleep.await;
        assert_eq!(handle.await.unwrap(), S::current().unwrap().name());
    });
}

/// Several runtimes, or several calls of `block_on`, wait for one token.
pub fn r14_several_runtimes_wait_for_one_token<S: Subject>() {
    let token = CancellationToken::new();
    let all_wait = Arc::new(Barrier::new(4));
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (token, all_wait) = (token.clone(), all_wait.clone());
            thread::spawn(move || {
                S::run(async |runtime| {
                    let in_a_task = token.clone();
                    let task = runtime.spawn(async move {
                        in_a_task.cancelled().await;
                        in_a_task.message()
                    });
                    let mut here = pin!(token.cancelled());
                    // The cancel follows the registration in every runtime.
                    assert!(poll_once(here.as_mut()).await.is_pending());
                    all_wait.wait();
                    here.await;
                    task.await.unwrap()
                })
            })
        })
        .collect();
    all_wait.wait();
    token.cancel_with("all of you");
    for thread in waiting {
        assert_eq!(thread.join().unwrap().as_deref(), Some("all of you"));
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
