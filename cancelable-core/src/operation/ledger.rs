//! Who keeps account of an operation from its opening to its end: the seam to the registry, which
//! stands above this module.
//!
//! Each call is made with no lock held, on the thread that made the change, after it.

use super::record::Record;
use crate::cause::{Cause, OperationId};
use crate::progress::ProgressUpdate;
use crate::report::Status;
use std::sync::Arc;
use std::time::Duration;

pub(crate) trait Ledger: Send + Sync {
    /// The part of the same ledger that an operation with this number belongs to.
    fn part_for(&self, id: OperationId) -> Arc<dyn Ledger>;

    fn opened(&self, record: &Arc<Record>);

    fn entered(&self, record: &Arc<Record>);

    /// Tells those who read events of a cancel, once; see [`Record::tell_once`].
    fn tell_cancel(&self, record: &Arc<Record>, cause: &Cause, at_end: bool);

    /// Runs the hooks for a cancel. Called once for each operation.
    fn hook_cancel(&self, record: &Arc<Record>, cause: &Cause);

    fn wants_progress(&self) -> bool;

    fn progressed(&self, record: &Arc<Record>, update: &ProgressUpdate);

    fn closed(&self, record: &Arc<Record>, end: Status, elapsed: Option<Duration>);
}

impl Record {
    /// To be called once, when the record is open and can be found by its scope.
    pub(crate) fn enlist(self: &Arc<Self>) {
        if let Some(ledger) = &self.ledger {
            ledger.opened(self);
        }
        if self.hooks.as_ref().is_some_and(|hooks| hooks.on_cancel()) {
            self.notice_cancel();
        }
    }

    pub(super) fn tell_entered(self: &Arc<Self>) {
        if let Some(ledger) = &self.ledger {
            ledger.entered(self);
        }
        if let Some(hooks) = &self.hooks {
            hooks.started(self);
        }
    }

    pub(super) fn tell_closed(self: &Arc<Self>, end: Status, elapsed: Option<Duration>) {
        if self.ledger.is_none() && self.hooks.is_none() {
            return;
        }
        self.end_notice();
        if let Some(ledger) = &self.ledger {
            ledger.closed(self, end, elapsed);
        }
        if let Some(hooks) = &self.hooks {
            hooks.ended(self, end);
        }
    }
}
