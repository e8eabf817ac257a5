//! The handle to the progress of an operation, for the work that advances it and for its readers.

use super::meter::Meter;
use super::subscriber::Hook;
use super::{
    FieldValue, ProgressChange, ProgressRegistration, ProgressSnapshot, SubtreeTotals, Throttle,
};
use crate::cause::ambient::Running;
use crate::runtime::RuntimeHandle;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The progress of an operation, from [`Operation::progress`](crate::Operation::progress). Cloning is one reference
/// count.
///
/// Any number of threads may write at once. Without a hook, an advance is one atomic exchange and one load: no
/// lock, no clock, no allocation. Writes after the end of the operation are ignored.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// scope.progress().set_total(200);
/// scope.progress().advance(50);
/// scope.progress().set_message("first file");
/// scope.progress().set_field("file", "a.csv");
/// let snapshot = scope.progress().snapshot();
/// assert_eq!(snapshot.fraction(), Some(0.25));
/// assert_eq!(snapshot.message(), Some("first file"));
/// assert_eq!(snapshot.field("file").and_then(|file| file.as_str()), Some("a.csv"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Progress {
    meter: Arc<Meter>,
}

impl Progress {
    /// Creates the progress of `operation` below that of its parent. `now` is the time by the clock of
    /// `runtime`.
    pub(crate) fn new(
        parent: Option<&Self>,
        operation: &Arc<dyn Running>,
        runtime: Option<&RuntimeHandle>,
        now: Option<Instant>,
    ) -> Self {
        let parent = parent.map(|parent| &parent.meter);
        Self {
            meter: Meter::below(parent, operation, runtime, now),
        }
    }

    /// Fixes the figures and makes the last call of each hook. Only the first call counts.
    pub(crate) fn end(&self, at: Option<Instant>) {
        self.meter.end(at);
    }

    /// Adds to the position, which stops at `u64::MAX`.
    #[inline]
    pub fn advance(&self, steps: u64) {
        self.meter.advance(steps);
    }

    /// Sets the position, forward or back. A position may be beyond the total.
    #[inline]
    pub fn set_position(&self, position: u64) {
        self.meter.set_position(position);
    }

    /// Starts at `position`, with steps that were done before: by an earlier run that this run resumes, or by other
    /// means. The steps count in the position and the fraction, also those of the ancestors. Rates and times left
    /// count only the steps from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let resumed = Scope::builder("import").build()?;
    /// resumed.progress().set_total(100);
    /// resumed.progress().start_at(80);
    /// resumed.progress().advance(10);
    /// assert_eq!(resumed.progress().snapshot().fraction(), Some(0.9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_at(&self, position: u64) {
        self.change().start_at(position).apply();
    }

    /// The position.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.meter.count().position
    }

    /// Sets the total.
    pub fn set_total(&self, total: u64) {
        self.change().set_total(total).apply();
    }

    /// Removes the total. A new progress has none.
    pub fn clear_total(&self) {
        self.change().clear_total().apply();
    }

    /// The total, if one was set.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.meter.count().total
    }

    /// Sets the message: a text that describes the present step of the work.
    pub fn set_message(&self, message: impl Into<Cow<'static, str>>) {
        self.change().set_message(message).apply();
    }

    /// Removes the message.
    pub fn clear_message(&self) {
        self.change().clear_message().apply();
    }

    /// Sets a field, for programs that read it by its key.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<FieldValue>) {
        self.change().set_field(key, value).apply();
    }

    /// Removes a field.
    pub fn remove_field(&self, key: &str) {
        self.change().remove_field(key.to_owned()).apply();
    }

    /// Returns a batch of changes, which readers see all at once.
    pub fn change(&self) -> ProgressChange<'_> {
        ProgressChange::new(&self.meter)
    }

    /// Returns a snapshot of the progress of the operation and of everything below it.
    ///
    /// The snapshot visits each operation below that has progress and has not ended. The sum of an operation is
    /// closed once the operation and all of those have ended: progress that begins later counts only in the sums of
    /// ancestors.
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        self.snapshot_among(&mut SubtreeTotals::default())
    }

    /// Takes a snapshot as [`snapshot`](Self::snapshot) does, for a caller that reads many operations and passes
    /// the same `totals` to each call.
    pub(crate) fn snapshot_among(&self, totals: &mut SubtreeTotals) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.meter, totals)
    }

    /// Registers a hook.
    pub(crate) fn subscribe(&self, hook: Hook, throttle: Option<Throttle>) -> ProgressRegistration {
        ProgressRegistration::new(&self.meter, hook, throttle)
    }

    /// Returns the operations directly below, for the module of operations to downcast.
    pub(crate) fn operations_below(&self) -> Vec<Arc<dyn Running>> {
        self.meter.operations_below()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.meter.count();
        f.debug_struct("Progress")
            .field("operation", &self.meter.label)
            .field("position", &count.position)
            .field("total", &count.total)
            .finish_non_exhaustive()
    }
}
