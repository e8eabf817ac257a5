//! The handle of a scope, which keeps a scope that is not run yet open.

use super::run::detached_teardown;
use crate::operation::Operation;
use crate::record::handle_count::HandleKind;
use crate::record::{Record, lifecycle};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A bound around one piece of work. Clones are handles of the same scope.
///
/// It dereferences to its [`Operation`], which has the state of the work and cancels it. A handle of the scope itself
/// can also run the work, move its deadline and start children.
///
/// A scope that is dropped without having been run ends as [`Status::NeverRun`](crate::Status::NeverRun), with a
/// warning in the log. If a finalizer was [deferred](Operation::defer) before the run, the clones that were made
/// before that do not keep the scope open, since the finalizer may hold them. The handle that
/// [`build`](super::ScopeBuilder::build) gave does, and so do later clones, and runs. A finalizer that needs its own
/// scope takes the [`operation`](Self::operation).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::Scope;
/// use cancelable_core::testing::ManualRuntime;
/// use std::future::pending;
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let error = manual.block_on(async {
///     let scope = Scope::builder("import")
///         .runtime(&manual.handle())
///         .timeout(Duration::from_secs(3))
///         .build()
///         .expect("it has a runtime for its timeout");
///     scope.run(|_| pending::<()>()).await.into_result().unwrap_err()
/// });
/// assert!(error.to_string().starts_with("import cancelled after 3 s: timed out (limit 3 s"));
/// # }
/// ```
pub struct Scope {
    operation: Operation,
    kind: HandleKind,
}

impl Scope {
    /// The operation: a handle that can read, cancel and `defer`, but neither run nor move the deadline.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The first handle of a record that was just opened.
    pub(super) fn opened(record: Arc<Record>) -> Self {
        Self {
            operation: Operation::new(record),
            kind: HandleKind::Lasting,
        }
    }

    /// A handle for a run, which keeps the scope open until it begins.
    pub(super) fn for_run(&self) -> Self {
        Self {
            kind: lifecycle::add_lasting_handle(self.record()),
            operation: self.operation.clone(),
        }
    }

    pub(super) fn record(&self) -> &Arc<Record> {
        self.operation.record()
    }
}

impl Deref for Scope {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl Clone for Scope {
    fn clone(&self) -> Self {
        Self {
            kind: lifecycle::add_handle_clone(self.record()),
            operation: self.operation.clone(),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let record = self.record();
        if lifecycle::drop_handle(record, self.kind) {
            detached_teardown::settle(record);
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.operation).finish()
    }
}
