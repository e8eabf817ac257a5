//! The manual runtime as a subject, which keeps the rules of real runtimes.

use crate::Subject;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::NoRuntime;
use cancelable_core::testing::ManualRuntime;
use std::cell::RefCell;
use std::future::Future;

thread_local! {
    static CURRENT: RefCell<Option<RuntimeHandle>> = const { RefCell::new(None) };
}

/// The manual runtime as a subject. Each `block_on` has a manual runtime of its own, with blocking work on threads.
///
/// The runtime is current on the thread of `block_on`, and not on the threads of blocking work.
#[derive(Debug)]
pub struct Manual;

impl Subject for Manual {
    fn block_on<F: Future>(future: F) -> F::Output {
        let manual = ManualRuntime::with_threads();
        let before = CURRENT.replace(Some(manual.handle()));
        let value = manual.block_on(future);
        CURRENT.set(before);
        value
    }

    fn current() -> Result<RuntimeHandle, NoRuntime> {
        CURRENT
            .with_borrow(Clone::clone)
            .ok_or_else(|| NoRuntime::new("manual"))
    }
}
