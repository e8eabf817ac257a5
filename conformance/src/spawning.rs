//! Tasks, blocking work and joins.

use crate::Subject;
use crate::plain::{self, on_a_thread};
use std::panic::panic_any;
use std::sync::mpsc;

pub fn r25_joining_gives_the_value_of_a_task_and_of_blocking_work<S: Subject>() {
    S::run(async |runtime| {
        assert!(matches!(runtime.spawn(async { 7 }).await, Ok(7)));
        assert!(matches!(runtime.spawn_blocking(|| 8).await, Ok(8)));
    });
}

pub fn r25_dropping_a_join_handle_lets_the_work_run_on<S: Subject>() {
    S::run(async |runtime| {
        let (go, gate) = mpsc::channel::<()>();
        let (out, ended) = mpsc::channel();
        // The task begins to wait before the drop of its handle, and ends after the drop.
        let release = cancelable_core::CancellationToken::new();
        let waits = release.clone();
        let from_task = out.clone();
        drop(runtime.spawn(async move {
            waits.cancelled().await;
            from_task.send("task").unwrap();
        }));
        drop(runtime.spawn_blocking(move || {
            gate.recv().unwrap();
            out.send("work").unwrap();
        }));
        release.cancel();
        go.send(()).unwrap();
        let seen = runtime.spawn_blocking(move || {
            let mut seen = [ended.recv().unwrap(), ended.recv().unwrap()];
            seen.sort_unstable();
            seen
        });
        assert_eq!(seen.await.unwrap(), ["task", "work"]);
    });
}

pub fn r25_a_panic_is_a_value_of_joining<S: Subject>() {
    S::run(async |runtime| {
        let error = runtime.spawn(async { panic_any(7_u8) }).await.unwrap_err();
        assert!(error.is_panic() && !error.is_lost());
        assert_eq!(*error.into_panic().unwrap().downcast::<u8>().unwrap(), 7);

        let error = runtime
            .spawn_blocking(|| panic_any(8_u8))
            .await
            .unwrap_err();
        assert!(error.is_panic() && !error.is_lost());
        assert_eq!(*error.into_panic().unwrap().downcast::<u8>().unwrap(), 8);
    });
}

pub fn r10_panics_of_detached_work_stop_nobody<S: Subject>() {
    S::run(async |runtime| {
        for _ in 0..100 {
            drop(runtime.spawn(async { panic!("a detached task") }));
            drop(runtime.spawn_blocking(|| panic!("detached work")));
        }
        assert!(matches!(runtime.spawn(async { 7 }).await, Ok(7)));
        assert!(matches!(runtime.spawn_blocking(|| 8).await, Ok(8)));
    });
}

pub fn r25_blocking_work_runs_beside_tasks<S: Subject>() {
    S::run(async |runtime| {
        let (send, receive) = mpsc::channel();
        let work = runtime.spawn_blocking(move || receive.recv().unwrap());
        // Started while the work blocks. The work blocks until this task has run.
        runtime
            .spawn(async move { send.send(7).unwrap() })
            .await
            .unwrap();
        assert!(matches!(work.await, Ok(7)));
    });
}

pub fn r25_a_thousand_tasks_all_end<S: Subject>() {
    S::run(async |runtime| {
        let tasks: Vec<_> = (0..1000_u32)
            .map(|n| runtime.spawn(async move { n }))
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 499_500);
    });
}

pub fn r14_a_task_is_joined_on_a_thread_outside_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let (send, receive) = mpsc::channel();
        let spawner = runtime.clone();
        // The wait for the thread is blocking work, so that the runtime has a thread for the task.
        let joined = runtime.spawn_blocking(move || {
            on_a_thread(move || plain::block_on(spawner.spawn(async move { receive.recv() })))
        });
        send.send(7).unwrap();
        assert!(matches!(joined.await, Ok(Ok(Ok(7)))));
    });
}

/// The join returns, whether or not the runtime has ended.
pub fn r24_work_for_a_runtime_that_was_left_is_done_or_lost<S: Subject>() {
    let runtime = S::run(async |runtime| runtime);
    match plain::block_on(runtime.spawn(async { 7 })) {
        Ok(value) => assert_eq!(value, 7),
        Err(error) => assert!(error.is_lost()),
    }
    match plain::block_on(runtime.spawn_blocking(|| 8)) {
        Ok(value) => assert_eq!(value, 8),
        Err(error) => assert!(error.is_lost()),
    }
}
