//! Children on threads of their own.

use cancelable_thread as rt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

#[test]
fn r25_children_that_end_on_other_threads_are_never_missed() {
    const CHILDREN: usize = 4;
    for _ in 0..50 {
        let scope = rt::scope("race").build().unwrap();
        let barrier = Arc::new(Barrier::new(CHILDREN + 1));
        let ended = Arc::new(AtomicUsize::new(0));
        let (together, count) = (barrier.clone(), ended.clone());
        let outcome = rt::block_on(scope.run(|op| async move {
            for _ in 0..CHILDREN {
                let (together, count) = (together.clone(), count.clone());
                let child = async move {
                    together.wait();
                    count.fetch_add(1, Ordering::SeqCst);
                };
                drop(op.spawn(child).unwrap());
            }
            // The children end while this thread is about to sleep.
            together.wait();
        }));
        assert!(outcome.is_completed());
        assert_eq!(ended.load(Ordering::SeqCst), CHILDREN);
    }
}
