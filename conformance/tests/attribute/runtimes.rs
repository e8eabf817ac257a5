//! The runtime of the scope.

use crate::inside;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, RuntimeHandle, Scope, cancelable};

#[test]
fn r44_it_is_that_of_the_operation_that_runs_or_else_the_adapter_s() {
    #[cancelable(timeout = "1h")]
    async fn name(#[scope] op: &Operation) -> &'static str {
        op.runtime().unwrap().name()
    }

    inside(async |_| assert_eq!(name().await.unwrap(), "manual"));
    assert_eq!(rt::block_on(name()).unwrap(), "tokio");
    // The runtime of the current operation has priority over the adapter's.
    let manual = ManualRuntime::new();
    let builder = Scope::builder("outer").runtime(&manual.handle());
    let outer = builder.build().unwrap();
    let outcome = rt::block_on(outer.run(async |_| name().await.unwrap()));
    assert_eq!(outcome.into_value(), Some("manual"));
}

#[test]
fn r44_it_is_the_one_that_is_named() {
    #[cancelable(timeout = "1h", rt = ::cancelable_smol, detached)]
    async fn by_adapter(#[scope] op: &Operation) -> &'static str {
        op.runtime().unwrap().name()
    }

    #[cancelable(timeout = "1h", runtime = runtime)]
    async fn by_handle(runtime: &RuntimeHandle, #[scope] op: &Operation) -> &'static str {
        op.runtime().unwrap().name()
    }

    inside(async |_| assert_eq!(by_adapter().await.unwrap(), "smol"));
    let manual = ManualRuntime::new();
    assert_eq!(rt::block_on(by_handle(&manual.handle())).unwrap(), "manual");
}

/// The code of a library, which knows no adapter. See `tests/misuse/pass` for a library without an adapter.
#[test]
fn r44_without_time_none_is_needed() {
    #[cancelable]
    async fn none(#[scope] op: &Operation) -> bool {
        op.runtime().is_none()
    }

    assert!(conformance::plain::block_on(none()).unwrap());
}

/// The core under another name.
#[test]
fn r44_the_core_may_have_another_name() {
    mod other {
        pub(super) use ::cancelable_core as core;
    }

    #[cancelable(crate = other::core, timeout = "1s")]
    async fn renamed() {}

    assert!(rt::block_on(renamed()).is_ok());
}
