//! Closures in scopes on the calling thread, with limits and children.

use cancelable_core::Status;
use cancelable_core::scope::RunError;
use cancelable_thread as rt;
use std::future::ready;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn r26_a_closure_on_a_plain_thread_is_woken_by_the_timeout_and_its_value_counts() {
    let scope = rt::scope("crunch")
        .timeout(Duration::from_millis(1))
        .build()
        .unwrap();
    let outcome = scope.run_blocking(|op| {
        op.token().wait();
        let error = op.check().unwrap_err();
        assert!(error.is_timeout());
        7
    });
    assert_eq!(outcome.status(), Status::Completed);
    assert!(
        outcome
            .cause()
            .is_some_and(|cause| cause.reason().is_timeout())
    );
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r26_a_closure_on_a_plain_thread_has_children_that_are_joined() {
    let scope = rt::scope("crunch").build().unwrap();
    let (sender, done) = mpsc::channel();
    let outcome = scope.run_blocking(|op| {
        let clock = op.runtime().unwrap().clone();
        for number in 0..4 {
            let (sender, sleep) = (sender.clone(), clock.sleep(Duration::from_millis(1)));
            let child = async move {
                sleep.await;
                sender.send(number).unwrap();
            };
            drop(op.spawn(child).unwrap());
        }
        drop(op.spawn_blocking(move |_| sender.send(4)).unwrap());
    });
    assert!(outcome.is_completed());
    let mut numbers: Vec<_> = done.try_iter().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4], "all were waited for");
}

#[test]
fn r26_a_child_that_fails_cancels_the_closure_beside_it() {
    let scope = rt::scope("crunch").build().unwrap();
    let outcome = scope.run_blocking(|op| {
        drop(op.try_spawn(ready(Err::<(), _>("no space"))).unwrap());
        op.token().wait();
        7
    });
    assert_eq!(outcome.value(), Some(&7), "a value is never thrown away");
    assert!(matches!(outcome.error(), Some(RunError::ChildFailed(_))));
}
