//! Cancelling operations of a registry by number and by filter.

use super::filter::Filter;
use super::handle::Registry;
use super::snapshot_filter;
use crate::cause::{Cause, OperationId, Reason};
use crate::record::Record;
use std::fmt;
use std::ops::ControlFlow;

/// The result of [`Registry::cancel`].
#[derive(Clone, Debug)]
pub enum CancelResult {
    /// This call cancelled the operation.
    Cancelled,
    /// The operation was cancelled before, for this cause, and has not ended.
    Already(Cause),
    /// The operation has ended.
    Ended,
    /// The operation is neither listed nor in the history, which forgets the oldest.
    Unknown,
}

impl CancelResult {
    /// Whether this call cancelled the operation.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// The earlier cause, if the operation was cancelled before.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Already(cause) => Some(cause),
            _ => None,
        }
    }
}

/// A phrase for people, such as `cancelled already: shutting down (at src/main.rs:14)`.
impl fmt::Display for CancelResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Already(cause) => write!(f, "cancelled already: {cause}"),
            Self::Ended => f.write_str("ended before"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Registry {
    /// Requests cancellation of the operation with this number.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use cancelable_core::cause::OperationId;
    /// use cancelable_core::registry::CancelResult;
    ///
    /// fn stop(registry: &Registry, id: OperationId) -> String {
    ///     match registry.cancel_with(id, "asked for by an operator") {
    ///         CancelResult::Cancelled => "it was asked to stop".into(),
    ///         CancelResult::Already(cause) => format!("it is about to stop: {cause}"),
    ///         CancelResult::Ended => "it has ended".into(),
    ///         CancelResult::Unknown => "there is no such operation".into(),
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn cancel(&self, id: OperationId) -> CancelResult {
        self.cancel_with(id, Cause::new(Reason::Requested))
    }

    /// [`cancel`](Self::cancel) for a cause.
    #[track_caller]
    pub fn cancel_with(&self, id: OperationId, cause: impl Into<Cause>) -> CancelResult {
        let cause = cause.into();
        // An operation that ends is in the history before it leaves the list.
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

    /// Requests cancellation of all open operations that `filter` selects. Returns how many have this call
    /// as their cause: also those that the call reached through an operation around them, and those that
    /// have ended since.
    #[track_caller]
    pub fn cancel_all(&self, filter: &Filter) -> usize {
        self.cancel_all_with(filter, Cause::new(Reason::Requested))
    }

    /// [`cancel_all`](Self::cancel_all) for a cause.
    #[track_caller]
    pub fn cancel_all_with(&self, filter: &Filter, cause: impl Into<Cause>) -> usize {
        let cause = cause.into();
        let mut found = snapshot_filter::matching(self.shards(), filter);
        if cause.is_stamped() {
            // The cause comes from another token, and some of the operations may have it already.
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
        // Stamped once, so that an operation that another one passes the cancel to has the same cause.
        let cause = first.stamp(cause).stamped_here();
        let mut reached = 0;
        let is_new = |record: &Record| !record.is_cancelled();
        let _ = found.visit_checked(is_new, |record, is_new| {
            // An operation that has ended meanwhile is left alone, and counts if the cancel reached it.
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
