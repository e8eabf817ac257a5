//! Updates and reads of a partial result by two threads (R38).

use crate::support::operation;
use loom::thread;

/// Partial results: an update is made, or refused with its closure.
#[test]
fn r38_two_updates_of_a_partial_result() {
    loom::model(|| {
        let root = operation("root");
        let other = thread::spawn({
            let operation = root.operation().clone();
            move || {
                let updated = operation.partial().update(|sum: &mut u64| *sum += 1);
                updated.map_err(|refused| assert!(refused.is_in_use()))
            }
        });
        let own = root.partial().update(|sum: &mut u64| *sum += 2);
        let own = own.map_err(|refused| assert!(refused.is_in_use()));
        let other = other.join().unwrap();
        assert!(own.is_ok() || other.is_ok());
        let sum = 2 * u64::from(own.is_ok()) + u64::from(other.is_ok());
        assert_eq!(root.partial().take(), Some(sum));
    });
}

/// Partial results: a reader keeps no update from its value, and sees a whole one.
#[test]
fn r38_a_read_and_an_update_of_a_partial_result() {
    loom::model(|| {
        let root = operation("root");
        root.partial().set(1_u64);
        let reader = thread::spawn({
            let operation = root.operation().clone();
            move || operation.partial().get::<u64>()
        });
        assert!(root.partial().update(|sum: &mut u64| *sum += 1).is_ok());
        assert!(matches!(reader.join().unwrap(), None | Some(1 | 2)));
        assert_eq!(root.partial().take(), Some(2_u64));
    });
}
