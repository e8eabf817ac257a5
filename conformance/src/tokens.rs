//! Waits for tokens, on every kind of thread and task.

use crate::Subject;
use crate::plain;
use cancelable_core::CancellationToken;
use std::thread;
use std::time::Duration;

/// One cancel reaches tasks, children, blocking work and a plain thread, with its cause.
pub fn r14_one_token_is_waited_for_in_every_way_at_once<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let borrowed = token.clone();
        let in_a_task = runtime.spawn(async move {
            borrowed.cancelled().await;
            borrowed.message()
        });
        let child = token.child_token();
        let below = runtime.spawn(async move {
            child.clone().cancelled_owned().await;
            child.message()
        });
        let blocking = token.clone();
        let in_blocking_work = runtime.spawn_blocking(move || {
            blocking.wait();
            blocking.message()
        });
        let outside = token.clone();
        let on_a_thread = thread::spawn(move || {
            plain::block_on(outside.cancelled());
            outside.message()
        });
        assert!(token.cancel_with("enough"));
        let expected = Some("enough".to_owned());
        assert_eq!(in_a_task.await.unwrap(), expected);
        assert_eq!(below.await.unwrap(), expected);
        assert_eq!(in_blocking_work.await.unwrap(), expected);
        assert_eq!(on_a_thread.join().unwrap(), expected);
    });
}

/// A cancel that races with the start of a wait ends the wait in either order.
pub fn r14_no_cancel_is_lost_in_a_race_with_the_wait<S: Subject>() {
    S::run(async |runtime| {
        for _ in 0..200 {
            let token = CancellationToken::new();
            let (waits, cancels) = (token.clone(), token.clone());
            let waiter = runtime.spawn(async move { waits.cancelled().await });
            let canceller = runtime.spawn_blocking(move || cancels.try_cancel());
            token.cancelled().await;
            waiter.await.unwrap();
            assert!(canceller.await.unwrap());
        }
    });
}

pub fn r01_one_of_many_tasks_cancels<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let token = token.clone();
                runtime.spawn(async move { token.try_cancel() })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += u32::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
    });
}

pub fn r14_a_wait_with_a_limit_says_which_it_was<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let waits = token.clone();
        let cancelled =
            runtime.spawn_blocking(move || waits.wait_timeout(Duration::from_millis(1)));
        assert!(!cancelled.await.unwrap());
        let waits = token.clone();
        let cancelled = runtime.spawn_blocking(move || waits.wait_timeout(Duration::MAX));
        token.cancel();
        assert!(cancelled.await.unwrap());
    });
}

pub fn r15_run_until_cancelled_ends_a_task<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let ends = token.clone();
        let task = runtime
            .spawn(async move { ends.run_until_cancelled(std::future::pending::<()>()).await });
        token.cancel();
        assert_eq!(task.await.unwrap(), None);
        let token = CancellationToken::new();
        assert_eq!(token.run_until_cancelled(async { 7 }).await, Some(7));
    });
}
