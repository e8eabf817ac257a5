//! Waits for the end of an operation (R10, R14).

use crate::support::{TaskQueue, bounded, output_of, poll_with, scope, wait_once};
use cancelable_core::Status;
use loom::thread;
use std::sync::Arc;

#[test]
fn r14_two_waits_for_the_end_of_an_operation_beside_it_are_not_missed() {
    bounded(|| {
        let scope = scope(&TaskQueue::new());
        let waits = [(); 2].map(|()| {
            let closed = scope.finished();
            thread::spawn(move || wait_once(closed))
        });
        let run = poll_with(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        for wait in waits {
            assert_eq!(output_of(wait.join().unwrap()), Status::Completed);
        }
    });
}

#[test]
fn r10_a_wait_that_is_dropped_beside_the_end_of_an_operation_takes_no_other_with_it() {
    bounded(|| {
        let scope = scope(&TaskQueue::new());
        let (left, kept) = (wait_once(scope.finished()), wait_once(scope.finished()));
        let leaves = thread::spawn(move || drop(left));
        let run = poll_with(Box::pin(scope.run(|_| async {})).as_mut(), &Arc::default());
        assert!(run.is_ready());
        leaves.join().unwrap();
        assert_eq!(output_of(kept), Status::Completed);
    });
}
