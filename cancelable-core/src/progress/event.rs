//! The argument of a progress hook: one change of progress.

use super::ProgressSnapshot;
use super::meter::Meter;
use super::subtree::SubtreeTotals;
use crate::cause::OperationLabel;
use std::fmt;
use std::sync::Arc;

/// A change of the progress of an operation or of something below it, for a hook of
/// [`Operation::on_progress`](crate::Operation::on_progress).
///
/// The figures are read when a method asks for them, so a hook that reads only a name pays for no more.
#[derive(Clone)]
pub struct ProgressUpdate {
    pub(super) owner: Arc<Meter>,
    pub(super) maker: Arc<Meter>,
    pub(super) is_last: bool,
}

impl ProgressUpdate {
    /// The label of the operation that made the progress: the hook's own operation, or one below it.
    #[must_use]
    pub fn made_by(&self) -> &OperationLabel {
        &self.maker.label
    }

    /// The label of the operation that the hook is registered at.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.owner.label
    }

    /// The progress of the operation that the hook is registered at, with
    /// [everything below it](ProgressSnapshot::overall).
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.owner, &mut SubtreeTotals::default())
    }

    /// The progress of the operation that made it.
    #[must_use]
    pub fn maker_snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.maker, &mut SubtreeTotals::default())
    }

    /// Whether this is the last call, because the operation that the hook is registered at has ended.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.is_last
    }
}

impl fmt::Debug for ProgressUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressUpdate")
            .field("operation", self.operation())
            .field("made_by", self.made_by())
            .field("is_last", &self.is_last)
            .finish_non_exhaustive()
    }
}
