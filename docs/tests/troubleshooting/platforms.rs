//! The time that a system gives a program to stop.

use cancelable_core::Scope;
use cancelable_core::testing::ManualRuntime;
use std::future::pending;
use std::time::Duration;

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn a_scope_ends_within_its_grace_and_its_cleanup_budget() {
    let manual = ManualRuntime::new();
    let worker = Scope::builder("worker").runtime(&manual.handle());
    let worker = worker.grace(seconds(20)).cleanup_budget(seconds(5));
    // Neither the body nor its finalizer ever ends.
    let outcome = manual.block_on(worker.run(async |op: Scope| {
        op.defer(pending::<()>()).unwrap();
        op.cancel_with("SIGTERM");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(seconds(25)));
    assert_eq!(
        (outcome.stragglers().len(), outcome.cleanup_errors().len()),
        (2, 1)
    );
}
