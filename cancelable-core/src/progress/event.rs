//! The argument of a progress hook: one change of progress.

use super::ProgressSnapshot;
use super::meter::Meter;
use super::subtree::SubtreeTotals;
use crate::cause::OperationLabel;
use std::fmt;
use std::sync::Arc;

/// A change of the progress of an operation or of an operation below it, for a hook of
/// [`Operation::on_progress`](crate::Operation::on_progress).
///
/// The figures are read when a method is called, so a hook that reads only a name is cheap.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use std::sync::mpsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let import = Scope::builder("import").build()?;
/// let (sender, lines) = mpsc::channel();
/// let registration = import.on_progress(move |update| {
///     let (maker, all) = (update.made_by(), update.snapshot());
///     let _ = sender.send(format!("{maker}: {} ({} in all)", update.maker_snapshot(), all.overall()));
/// });
/// let file = import.child("file").build()?;
/// file.progress().change().set_total(10).set_position(4).apply();
/// drop(registration);
/// assert_eq!(lines.recv()?, "file: 4 of 10 (40 %) (4 of 10 (40 %) in all)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProgressUpdate {
    pub(super) owner: Arc<Meter>,
    pub(super) maker: Arc<Meter>,
    pub(super) is_last: bool,
}

impl ProgressUpdate {
    /// The label of the operation that made the progress: the hook's own operation, or an operation below it.
    #[must_use]
    pub fn made_by(&self) -> &OperationLabel {
        &self.maker.label
    }

    /// The label of the operation at which the hook is registered.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.owner.label
    }

    /// Returns a snapshot of the progress of the operation at which the hook is registered, with [everything below
    /// it](ProgressSnapshot::overall).
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.owner, &mut SubtreeTotals::default())
    }

    /// Returns a snapshot of the progress of the operation that made the progress.
    #[must_use]
    pub fn maker_snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.maker, &mut SubtreeTotals::default())
    }

    /// Returns whether this is the last call, because the operation at which the hook is registered has ended.
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
