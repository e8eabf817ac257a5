//! Updates of a partial result by two threads (R38).

use crate::support::operation;
use loom::thread;

/// Partial results: two updates both count, and who waits for the other is woken.
#[test]
fn r38_two_updates_of_a_partial_result() {
    loom::model(|| {
        let root = operation("root");
        let other = thread::spawn({
            let operation = root.operation().clone();
            move || operation.partial().update(|sum: &mut u64| *sum += 1)
        });
        let own = root.partial().update(|sum: &mut u64| *sum += 2);
        assert_eq!((own, other.join().unwrap()), (Ok(()), Ok(())));
        assert_eq!(root.partial().take(), Some(3_u64));
    });
}
