//! Joining a task that ends at the same time (R14).

use crate::support::{TaskQueue, output_of, poll_with, wait_once};
use loom::thread;
use std::pin::Pin;
use std::sync::Arc;

#[test]
fn r14_a_task_that_ends_while_it_is_joined_wakes_the_join() {
    loom::model(|| {
        let queue = TaskQueue::new();
        let task = queue.handle().spawn(async { 3 });
        let mut work = queue.take().unwrap();
        let join = thread::spawn(move || wait_once(task));
        assert!(poll_with(Pin::new(&mut work), &Arc::default()).is_ready());
        assert_eq!(output_of(join.join().unwrap()).ok(), Some(3));
    });
}

#[test]
fn r14_a_join_polled_with_another_waker_beside_the_end_is_woken_by_it() {
    loom::model(|| {
        let queue = TaskQueue::new();
        let (polled, task, _) = wait_once(queue.handle().spawn(async { 3 }));
        assert!(polled.is_pending());
        let work = queue.take().unwrap();
        let join = thread::spawn(move || wait_once(task));
        // A task that is dropped is reported as lost.
        drop(work);
        assert!(output_of(join.join().unwrap()).is_err());
    });
}
