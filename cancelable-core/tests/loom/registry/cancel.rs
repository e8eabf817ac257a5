//! Cancels of an operation and through its registry, at the same time (R6).

use crate::support::bounded;
use cancelable_core::registry::Filter;
use cancelable_core::{CancellationToken, Reason, Registry, Scope};
use loom::thread;

/// A scope that is cancelled by two threads, each in its own way: after its return all descendants report
/// cancelled.
fn cancelled_twice(second: impl Fn(&Registry, &Scope) + Clone + Send + Sync + 'static) {
    bounded(move || {
        let registry = Registry::builder().history(0).build();
        let scope = Scope::builder("model").detached().register_in(&registry);
        let scope = scope.build().unwrap();
        let leaf = scope.token().child_token().child_token();
        let other = thread::spawn({
            let operation = scope.operation().clone();
            move || operation.cancel_with(Reason::Requested)
        });
        // loom would not let the other thread come first: it forgets a load that is followed by one
        // of another thread.
        thread::yield_now();
        second(&registry, &scope);
        assert!(
            leaf.is_cancelled(),
            "cancel returned before it reached a descendant"
        );
        other.join().unwrap();
    });
}

#[test]
fn r06_a_cancel_of_an_operation_that_answers_false_has_seen_the_first_one_reach_all() {
    cancelled_twice(|_, scope| {
        scope.cancel();
    });
}

#[test]
fn r06_a_cancel_of_all_that_reaches_none_has_seen_the_first_one_reach_all() {
    cancelled_twice(|registry, _| {
        registry.cancel_all(&Filter::new());
    });
}

#[test]
fn r06_a_cancel_of_all_for_the_cause_of_another_token_has_seen_the_first_one_reach_all() {
    cancelled_twice(|registry, _| {
        let token = CancellationToken::new();
        token.cancel();
        registry.cancel_all_with(&Filter::new(), token.cause().unwrap());
    });
}
