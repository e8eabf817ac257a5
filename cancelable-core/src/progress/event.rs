//! What a hook is told.

use super::ProgressSnapshot;
use super::meter::Meter;
use crate::cause::OperationLabel;
use std::fmt;
use std::sync::Arc;

/// A change of an operation's progress, or of the progress of something below it, as a hook of
/// [`Operation::on_progress`](crate::Operation::on_progress) is told of it.
///
/// The figures are read when they are asked for. A hook that wants the name alone pays for no more.
#[derive(Clone)]
pub struct ProgressUpdate {
    pub(super) owner: Arc<Meter>,
    pub(super) maker: Arc<Meter>,
    pub(super) is_last: bool,
}

impl ProgressUpdate {
    /// What the operation is called that made the progress: the one that is listened to, or one
    /// below it.
    #[must_use]
    pub fn made_by(&self) -> &OperationLabel {
        &self.maker.label
    }

    /// What the operation is called that is listened to.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.owner.label
    }

    /// How far the operation that is listened to has come, with
    /// [everything below it](ProgressSnapshot::overall).
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.owner, None)
    }

    /// How far the operation has come that made the progress.
    #[must_use]
    pub fn maker_snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.maker, None)
    }

    /// Whether the operation that is listened to has ended, and this is the last call.
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
