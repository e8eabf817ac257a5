//! The scope of a body.

use crate::inside;
use cancelable_core::registry::Registry;
use cancelable_core::{Operation, Status, cancelable, current};

#[test]
fn r27_the_scope_runs_while_the_body_does() {
    #[cancelable]
    async fn seen(#[scope] op: &Operation) -> Operation {
        assert_eq!(current().unwrap().id(), op.id());
        assert_eq!(op.status(), Status::Running);
        op.clone()
    }

    inside(async |_| {
        let operation = seen().await.unwrap();
        assert_eq!(
            (operation.name(), operation.status()),
            ("seen", Status::Completed)
        );
        assert!(operation.location().file().ends_with("bodies.rs"));
    });
}

/// Each awaited call opens a scope, and a call that is not awaited opens none.
#[test]
fn r28_each_call_is_an_operation_of_its_own() {
    #[cancelable]
    async fn id(#[scope] op: &Operation) -> u64 {
        op.id().get()
    }

    inside(async |_| {
        drop(id());
        assert_ne!(id().await.unwrap(), id().await.unwrap());
    });
}

/// A scope is listed while it runs, and only by the key `register`.
#[test]
fn r35_a_registered_function_is_listed_while_it_runs() {
    #[cancelable(register, name = "listed by the attribute")]
    async fn listed(#[scope] op: &Operation) -> bool {
        Registry::global().get(op.id()).is_some()
    }

    #[cancelable]
    async fn unlisted(#[scope] op: &Operation) -> bool {
        Registry::global().get(op.id()).is_some()
    }

    inside(async |_| {
        assert!(listed().await.unwrap());
        assert!(!unlisted().await.unwrap());
    });
}
