//! The entry into Tokio, and threads outside Tokio.

use cancelable_tokio as rt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Builder;

#[test]
fn r27_outside_a_runtime_there_is_no_current_one() {
    assert_eq!(rt::current().unwrap_err().runtime(), "tokio");
    rt::block_on(async {});
    assert!(rt::current().is_err());
}

#[test]
fn r27_a_thread_that_entered_a_runtime_finds_it() {
    let tokio = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let _inside = tokio.enter();
    let runtime = rt::current().unwrap();
    // In that runtime, not in a new runtime.
    let id = rt::block_on(async { tokio::runtime::Handle::current().id() });
    assert_eq!(id, tokio.handle().id());
    assert!(matches!(rt::block_on(runtime.spawn(async { 7 })), Ok(7)));
}

#[test]
fn r14_block_on_in_blocking_work_of_a_runtime_of_one_thread_runs_in_it() {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let value = tokio.block_on(async {
        let runtime = rt::current().unwrap();
        let inner = runtime.clone();
        runtime
            .spawn_blocking(move || rt::block_on(inner.spawn(async { 7 })))
            .await
    });
    assert!(matches!(value, Ok(Ok(7))));
}

#[test]
fn r14_block_on_in_a_task_of_a_runtime_of_one_thread_panics_and_does_not_hang() {
    let tokio = Builder::new_current_thread().enable_time().build().unwrap();
    let nested = catch_unwind(AssertUnwindSafe(|| {
        tokio.block_on(async { rt::block_on(async {}) });
    }));
    assert!(nested.is_err());
}

#[test]
fn r24_work_for_a_runtime_that_is_gone_is_lost() {
    let runtime = rt::block_on(async { rt::current().unwrap() });
    let error = rt::block_on(runtime.spawn(async { 7 })).unwrap_err();
    assert!(error.is_lost());
    assert!(
        rt::block_on(runtime.spawn_blocking(|| 7))
            .unwrap_err()
            .is_lost()
    );
    assert_eq!(
        error.to_string(),
        "the task was never run by the tokio runtime; keep the runtime alive until its tasks are joined"
    );
}

#[test]
fn r24_what_outlives_its_runtime_tells_the_time_and_is_dropped_in_peace() {
    let (runtime, sleep) = rt::block_on(async {
        let runtime = rt::current().unwrap();
        let mut sleep = Box::pin(runtime.sleep(Duration::from_secs(3600)));
        // Polled, so that the timer is registered with the runtime that shuts down.
        assert!(poll_once(sleep.as_mut()).await.is_pending());
        (runtime, sleep)
    });
    assert!(runtime.now() < sleep.deadline().unwrap());
    drop(sleep);
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
