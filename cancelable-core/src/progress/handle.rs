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

/// The progress of an operation, from [`Operation::progress`](crate::Operation::progress). Cloning is one
/// reference count.
///
/// Any number of threads may write at once. While there is no hook, an advance is one atomic addition and one
/// load: no lock, no clock, no allocation. What is written after the operation has ended is ignored.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// let scope = Scope::builder("import").build().expect("it is sound");
/// scope.progress().set_total(200);
/// scope.progress().advance(50);
/// scope.progress().set_field("file", "a.csv");
/// let snapshot = scope.progress().snapshot();
/// assert_eq!(snapshot.fraction(), Some(0.25));
/// assert_eq!(snapshot.field("file").and_then(|file| file.as_str()), Some("a.csv"));
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

    /// Sets the position, forward or back. It may be beyond the total.
    #[inline]
    pub fn set_position(&self, position: u64) {
        self.meter.set_position(position);
    }

    /// Starts at `position`, with steps that were done before: by an earlier run that this one resumes, or
    /// found to be done already. They count in the position and in the fraction, also of the operations
    /// above. Rates and times left count only the steps from now on.
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

    /// Removes the total. There is none at first.
    pub fn clear_total(&self) {
        self.change().clear_total().apply();
    }

    /// The total, if one was set.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.meter.count().total
    }

    /// Sets the message: what the work does, in words.
    pub fn set_message(&self, message: impl Into<Cow<'static, str>>) {
        self.change().set_message(message).apply();
    }

    /// Removes the message.
    pub fn clear_message(&self) {
        self.change().clear_message().apply();
    }

    /// Sets a field, which programs read by its key.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<FieldValue>) {
        self.change().set_field(key, value).apply();
    }

    /// Removes a field.
    pub fn remove_field(&self, key: &str) {
        self.change().remove_field(key.to_owned()).apply();
    }

    /// Several changes that are seen all at once: `progress.change().set_position(40).set_total(120).apply()`.
    pub fn change(&self) -> ProgressChange<'_> {
        ProgressChange::new(&self.meter)
    }

    /// A snapshot of this operation's progress and of everything below it.
    ///
    /// It visits each operation below that has progress and has not ended. Progress that begins after this
    /// operation and all of those have ended counts only in the operations above.
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        self.snapshot_among(&mut SubtreeTotals::default())
    }

    /// [`snapshot`](Self::snapshot) for a caller that reads many operations, and passes `totals` from one to
    /// the next.
    pub(crate) fn snapshot_among(&self, totals: &mut SubtreeTotals) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.meter, totals)
    }

    /// Registers a hook.
    pub(crate) fn subscribe(&self, hook: Hook, throttle: Option<Throttle>) -> ProgressRegistration {
        ProgressRegistration::new(&self.meter, hook, throttle)
    }

    /// Returns the operations of `parts`, which the room of operations names by their type.
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
