//! Cancelling by number and by filter: the registry as someone who holds the tokens.

use super::{Cancellation, Filter, Registry};
use crate::cause::{Cause, OperationId, Reason};
use crate::operation::Record;
use std::ops::ControlFlow;

impl Registry {
    /// Asks the operation with this number to stop, and answers what became of that.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use cancelable_core::cause::OperationId;
    /// use cancelable_core::registry::Cancellation;
    ///
    /// fn stop(registry: &Registry, id: OperationId) -> String {
    ///     match registry.cancel_with(id, "asked for by an operator") {
    ///         Cancellation::Cancelled => "it was asked to stop".into(),
    ///         Cancellation::Already(cause) => format!("it is about to stop: {cause}"),
    ///         Cancellation::Ended => "it has ended".into(),
    ///         Cancellation::Unknown => "there is no such operation".into(),
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn cancel(&self, id: OperationId) -> Cancellation {
        self.cancel_with(id, Cause::new(Reason::Requested))
    }

    /// [`cancel`](Self::cancel) that says why.
    #[track_caller]
    pub fn cancel_with(&self, id: OperationId, cause: impl Into<Cause>) -> Cancellation {
        let cause = cause.into();
        // An operation that ends is in the history before it leaves the list.
        let Some(operation) = self.get(id) else {
            return match self.root.hub.history.has(id) {
                true => Cancellation::Ended,
                false => Cancellation::Unknown,
            };
        };
        if operation.status().is_closed() {
            return Cancellation::Ended;
        }
        if operation.cancel_with(cause) {
            return Cancellation::Cancelled;
        }
        match operation.cause() {
            Some(cause) if !operation.status().is_closed() => Cancellation::Already(cause),
            _ => Cancellation::Ended,
        }
    }

    /// Asks all that are open and pass `filter` to stop, and counts those whose cause this call is:
    /// also those that it reached through an operation above, and those that have ended since.
    #[track_caller]
    pub fn cancel_all(&self, filter: &Filter) -> usize {
        self.cancel_all_with(filter, Cause::new(Reason::Requested))
    }

    /// [`cancel_all`](Self::cancel_all) that says why.
    #[track_caller]
    pub fn cancel_all_with(&self, filter: &Filter, cause: impl Into<Cause>) -> usize {
        let cause = cause.into();
        let mut found = self.matching(filter);
        if cause.is_stamped() {
            // It is another token's, and so may be that of some of them already.
            found.retain(|record| match record.is_cancelled() {
                true => {
                    record.wait_for_descendants();
                    false
                }
                false => true,
            });
        }
        let Some(first) = found.first() else {
            return 0;
        };
        // Stamped once, so that what was reached through another one is known by its cause.
        let cause = first.stamp(cause).stamped_here();
        let mut reached = 0;
        let is_new = |record: &Record| !record.is_cancelled();
        let _ = found.visit_seen(is_new, |record, is_new| {
            // What has ended meanwhile is left alone, and counts if it was reached before.
            let is_first = is_new && !record.status().is_closed() && record.cancel(cause.clone());
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
