//! The cancel of operations by number and by filter.

use super::filter::Filter;
use super::handle::Registry;
use super::snapshot_filter;
use crate::cause::{Cause, OperationId, Reason};
use crate::record::Record;
use std::fmt;
use std::ops::ControlFlow;

/// The result of a [`Registry::cancel`].
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::CancelResult;
/// use cancelable_core::{Registry, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let import = Scope::builder("import").register_in(&registry).build()?;
/// let answer = match registry.cancel(import.id()) {
///     CancelResult::Cancelled => "202 Accepted",
///     CancelResult::Already(_) => "200 OK",
///     CancelResult::Ended => "410 Gone",
///     CancelResult::Unknown => "404 Not Found",
/// };
/// assert_eq!(answer, "202 Accepted");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum CancelResult {
    /// This call cancelled the operation.
    Cancelled,
    /// The operation was cancelled before, with this cause, and has not ended.
    Already(Cause),
    /// The operation has ended.
    Ended,
    /// The operation is neither listed nor in the history, which is bounded.
    Unknown,
}

impl CancelResult {
    /// Returns whether this call cancelled the operation.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Returns the earlier cause, if the operation was cancelled before and has not ended.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Already(cause) => Some(cause),
            _ => None,
        }
    }
}

/// A phrase for people, such as `already cancelled: shutting down (at src/main.rs:14)`.
impl fmt::Display for CancelResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Already(cause) => write!(f, "already cancelled: {cause}"),
            Self::Ended => f.write_str("already ended"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Registry {
    /// Cancels the operation with this number.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// assert!(registry.cancel(import.id()).is_cancelled());
    /// assert!(!registry.cancel(import.id()).is_cancelled());
    /// assert!(import.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel(&self, id: OperationId) -> CancelResult {
        self.cancel_with(id, Cause::new(Reason::Requested))
    }

    /// Cancels the operation with this number, with a cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// registry.cancel_with(import.id(), "stopped by an operator");
    /// let second = registry.cancel(import.id());
    /// let cause = second.cause().ok_or("not cancelled before")?;
    /// assert_eq!(cause.message(), Some("stopped by an operator"));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, id: OperationId, cause: impl Into<Cause>) -> CancelResult {
        let cause = cause.into();
        // An operation enters the history before it leaves the list.
        let Some(operation) = self.get(id) else {
            return match self.shards().history().has(id) {
                true => CancelResult::Ended,
                false => CancelResult::Unknown,
            };
        };
        if operation.status().is_terminal() {
            return CancelResult::Ended;
        }
        if operation.cancel_with(cause) {
            return CancelResult::Cancelled;
        }
        match operation.cause() {
            Some(cause) if !operation.status().is_terminal() => CancelResult::Already(cause),
            _ => CancelResult::Ended,
        }
    }

    /// Cancels all open operations that `filter` selects, and returns the number of operations with this call
    /// as their cause. The number includes selected operations that the call reached through an ancestor, and
    /// those that have ended since.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import-1").register_in(&registry).build()?;
    /// let export = Scope::builder("export-1").register_in(&registry).build()?;
    /// assert_eq!(registry.cancel_all(&Filter::new().name("import-*")), 1);
    /// assert!(import.is_cancelled() && !export.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_all(&self, filter: &Filter) -> usize {
        self.cancel_all_with(filter, Cause::new(Reason::Requested))
    }

    /// Cancels all open operations that `filter` selects, with a cause; see [`cancel_all`](Self::cancel_all).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Reason, Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// assert_eq!(registry.cancel_all_with(&Filter::new(), Reason::ShuttingDown), 1);
    /// assert_eq!(import.cause().map(|cause| cause.reason().clone()), Some(Reason::ShuttingDown));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_all_with(&self, filter: &Filter, cause: impl Into<Cause>) -> usize {
        let cause = cause.into();
        let mut found = snapshot_filter::matching(self.shards(), filter);
        if cause.is_stamped() {
            // The cause comes from another token, so some of the operations may have the cause already.
            found.retain(|record| {
                let is_cancelled = record.is_cancelled();
                if is_cancelled {
                    record.wait_for_descendants();
                }
                !is_cancelled
            });
        }
        let Some(first) = found.first() else {
            return 0;
        };
        // Stamped once, so that an operation that the cancel reaches through its parent has the same cause.
        let cause = first.stamp(cause).stamped_here();
        let mut reached = 0;
        let is_new = |record: &Record| !record.is_cancelled();
        let _ = found.visit_checked(is_new, |record, is_new| {
            // An operation that has ended since the listing is not cancelled. It counts if the cancel reached it.
            let is_first = is_new && !record.status().is_terminal() && record.cancel(cause.clone());
            if !is_new {
                record.wait_for_descendants();
            }
            let is_reached = || record.cause().is_some_and(|own| own.is_same(&cause));
            if is_first || is_reached() {
                reached += 1;
            }
            ControlFlow::Continue(())
        });
        reached
    }
}
