//! The handle of a scope.

use super::run::detached_teardown;
use crate::operation::Operation;
use crate::record::handle_count::HandleKind;
use crate::record::{Record, lifecycle};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A bound around one piece of work. Clones are handles of the same scope.
///
/// A scope dereferences to its [`Operation`], which has the state of the work and cancels it. Only a handle of the
/// scope runs the work, moves its deadline and starts children.
///
/// A scope that is dropped without a run ends as [`Status::NeverRun`](crate::Status::NeverRun), with a warning in the
/// log. If a finalizer was [deferred](Operation::defer) before the run, clones that are older than the finalizer do
/// not keep the scope open, since the finalizer may hold them. The handle from
/// [`build`](super::ScopeBuilder::build), later clones and runs do. A finalizer that needs its own scope takes
/// the [`operation`](Self::operation).
///
/// # Examples
///
/// ```
/// use std::future::pending;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let scope = rt::scope("import").timeout(Duration::from_millis(2)).build()?;
///     let outcome = scope.run(async |_| pending::<()>().await).await;
///     assert!(outcome.is_timeout());
///     Ok(())
/// })
/// # }
/// ```
pub struct Scope {
    operation: Operation,
    kind: HandleKind,
}

impl Scope {
    /// Returns the operation: a handle that reads, cancels and defers, and neither runs the work nor moves its
    /// deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let operation = scope.operation().clone();
    /// operation.cancel_with("the user closed the tab");
    /// assert!(scope.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Returns the first handle of a record that was just opened.
    pub(super) fn opened(record: Arc<Record>) -> Self {
        Self {
            operation: Operation::new(record),
            kind: HandleKind::Lasting,
        }
    }

    /// Returns a handle for a run. The handle keeps the scope open until the run begins.
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

/// The last handle of a scope that was not run closes it, and starts a task for its finalizers.
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
