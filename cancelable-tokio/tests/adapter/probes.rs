//! R31: probes are not blocking work of Tokio, for which the shutdown of a runtime waits.

use cancelable_core::{Reason, Scope, source};
use cancelable_tokio as rt;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The maximum wait, which only a failing run reaches.
const LIMIT: Duration = Duration::from_secs(60);
const MILLISECOND: Duration = Duration::from_millis(1);

fn each_flavor() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()].map(|mut builder| {
        builder
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .unwrap()
    })
}

#[test]
fn r31_the_end_of_a_runtime_waits_for_no_probe_that_hangs() {
    for tokio in each_flavor() {
        let (release, released) = mpsc::channel::<()>();
        let (enter, entered) = mpsc::channel();
        let hangs = move || {
            enter.send(()).unwrap();
            released.recv().is_err()
        };
        let value = tokio.block_on(async {
            let scope = Scope::builder("hanging")
                .runtime(&rt::current().unwrap())
                .source(source::condition_blocking(MILLISECOND, hangs).unwrap())
                .build()
                .unwrap();
            let outcome = scope.run(async |_| {
                // The body ends only after the start of the probe.
                while entered.try_recv().is_err() {
                    tokio::task::yield_now().await;
                }
                7
            });
            outcome.await.into_value()
        });
        assert_eq!(value, Some(7));
        let (end, ended) = mpsc::channel();
        // `#[tokio::main]` drops its runtime too. On a thread, so that a drop that hangs fails the test.
        thread::spawn(move || {
            drop(tokio);
            end.send(()).unwrap();
        });
        assert_eq!(ended.recv_timeout(LIMIT), Ok(()));
        drop(release);
    }
}

#[test]
fn r31_a_probe_does_not_wait_for_work_that_is_no_probe() {
    for tokio in each_flavor() {
        let (release, released) = mpsc::channel::<()>();
        // Takes the only thread for blocking work.
        let work = tokio.spawn_blocking(move || released.recv());
        let answer = tokio.block_on(async {
            let runtime = rt::current().unwrap();
            runtime.timeout(LIMIT, runtime.spawn_probe(|| 7)).await
        });
        assert!(matches!(answer, Ok(Ok(7))));
        drop(release);
        assert!(tokio.block_on(work).unwrap().is_err());
    }
}

/// If the clock advanced during the probe, the limit would expire before the answer of the probe.
#[test]
fn r44_a_paused_clock_waits_for_a_probe() {
    let tokio = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let outcome = tokio.block_on(async {
        let runtime = rt::current().unwrap();
        let start = runtime.now();
        let slow = || {
            (0..1000).for_each(|_| thread::yield_now());
            true
        };
        let scope = Scope::builder("import")
            .runtime(&runtime)
            .timeout(Duration::from_secs(3600))
            .source(source::condition_blocking(MILLISECOND, slow).unwrap())
            .build()
            .unwrap();
        let outcome = scope.run(|_| std::future::pending::<()>()).await;
        assert_eq!(runtime.now(), start);
        outcome
    });
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(Reason::Condition)
    );
}
