//! Limits on a Tokio runtime without timers: built without `enable_time`, or shut down.

use cancelable_core::{RuntimeHandle, Scope};
use cancelable_tokio as rt;
use std::future::{Future, pending};
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const SHORT: Duration = Duration::from_millis(1);

fn without_time() -> Vec<Runtime> {
    vec![
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap(),
    ]
}

fn with_time() -> Vec<Runtime> {
    let mut threads = Builder::new_multi_thread();
    vec![
        Builder::new_current_thread().enable_time().build().unwrap(),
        threads.worker_threads(1).enable_time().build().unwrap(),
    ]
}

fn kept_handle(of: &Runtime) -> RuntimeHandle {
    of.block_on(async { rt::current() }).unwrap()
}

/// Awaits everything that needs a timer: a limit of a run, of a child and of its grace period, a sleep, a timeout.
async fn everything_ends(runtime: &RuntimeHandle) {
    let limited = Scope::builder("limited").runtime(runtime).timeout(SHORT);
    let outcome = limited.build().unwrap().run(async |scope| {
        let child = scope.child("child").timeout(SHORT).build().unwrap();
        let outcome = child.run(|_| pending::<()>()).await;
        assert!(outcome.is_timeout());
        pending::<()>().await;
    });
    assert!(outcome.await.is_timeout());

    let graceful = Scope::builder("graceful").runtime(runtime);
    let graceful = graceful.timeout(SHORT).grace(SHORT).build().unwrap();
    let outcome = graceful.run(async |scope| {
        scope.defer(async {}).unwrap();
        scope.operation().cancelled().await;
        pending::<()>().await;
    });
    assert!(outcome.await.is_timeout());

    runtime.sleep(SHORT).await;
    let elapsed = runtime.timeout(SHORT, pending::<()>()).await;
    assert!(elapsed.is_err());
}

#[test]
fn r20_a_limit_holds_on_a_runtime_that_was_built_without_its_time() {
    for tokio in without_time() {
        tokio.block_on(async { everything_ends(&rt::current().unwrap()).await });
    }
}

#[test]
fn r20_a_limit_holds_by_a_handle_of_a_runtime_that_is_gone() {
    for first in with_time() {
        let handle = kept_handle(&first);
        drop(first);
        for second in with_time().into_iter().chain(without_time()) {
            second.block_on(everything_ends(&handle));
        }
    }
}

#[test]
fn r20_a_limit_holds_for_a_run_whose_runtime_goes_away_meanwhile() {
    for first in with_time() {
        let handle = kept_handle(&first);
        let scope = Scope::builder("moved").runtime(&handle).timeout(SHORT * 20);
        let scope = scope.build().unwrap();
        let mut run = Box::pin(scope.run(|_| pending::<()>()));
        let _ = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut sleep = Box::pin(handle.sleep(SHORT));
        let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(first);
        let second = &with_time()[0];
        let outcome = second.block_on(async {
            sleep.await;
            run.await
        });
        assert!(outcome.is_timeout());
    }
}
