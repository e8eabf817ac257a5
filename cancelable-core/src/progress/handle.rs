//! The handle to a meter, for the work that advances it and for its readers.

use super::meter::Meter;
use super::subscriber::Hook;
use super::{Below, FieldValue, ProgressChange, ProgressRegistration, ProgressSnapshot, Throttle};
use crate::cause::ambient::Running;
use crate::runtime::RuntimeHandle;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// How far an operation has come, from [`Operation::progress`](crate::Operation::progress). Cloning is one reference count.
///
/// Any number of threads may write it at once. While nobody listens, an advance is one atomic
/// addition and one load: no lock, no clock, no allocation. What is written after the operation has
/// ended is ignored.
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
    /// The progress of `operation`, below that of its parent. `now` is the time by `runtime`'s clock.
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

    /// Stops the figures and makes the last call of each hook. Only the first call counts.
    pub(crate) fn end(&self, at: Option<Instant>) {
        self.meter.end(at);
    }

    /// Adds `steps` to the position, which stops at `u64::MAX`.
    #[inline]
    pub fn advance(&self, steps: u64) {
        self.meter.advance(steps);
    }

    /// Puts the position at `position`, forward or back. It may be beyond the total.
    #[inline]
    pub fn set_position(&self, position: u64) {
        self.meter.set_position(position);
    }

    /// Begins at `position`, with what was done before: by an earlier run that this one resumes, or
    /// found to be done already. It counts in the position and in the fraction, here and above.
    /// Rates and times left count only what is done from now on.
    pub fn start_at(&self, position: u64) {
        self.change().start_at(position).apply();
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.meter.own().position
    }

    /// Says where the end is.
    pub fn set_total(&self, total: u64) {
        self.change().set_total(total).apply();
    }

    /// Says that it is not known where the end is, as it is at first.
    pub fn clear_total(&self) {
        self.change().clear_total().apply();
    }

    /// Where the end is, if that was said.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.meter.own().total
    }

    /// Says in words what goes on.
    pub fn set_message(&self, message: impl Into<Cow<'static, str>>) {
        self.change().set_message(message).apply();
    }

    /// Takes the message away.
    pub fn clear_message(&self) {
        self.change().clear_message().apply();
    }

    /// Sets a value that programs read by its key.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<FieldValue>) {
        self.change().set_field(key, value).apply();
    }

    /// Takes a value away.
    pub fn remove_field(&self, key: &str) {
        self.change().remove_field(key.to_owned()).apply();
    }

    /// Several changes that nobody sees by half: `progress.change().set_position(40).set_total(120).apply()`.
    pub fn change(&self) -> ProgressChange<'_> {
        ProgressChange::new(&self.meter)
    }

    /// All that is known now. It looks at everything below that has progress and has not ended. What
    /// begins to make progress when this operation and all of those have ended counts above it only.
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        self.snapshot_among(None)
    }

    /// [`snapshot`](Self::snapshot) for a caller that looks at others too.
    pub(crate) fn snapshot_among(&self, below: Option<&mut Below>) -> ProgressSnapshot {
        ProgressSnapshot::of(&self.meter, below)
    }

    /// Registers `hook`, which is called with at most one change in each interval of `throttle`.
    pub(crate) fn subscribe(&self, hook: Hook, throttle: Option<Throttle>) -> ProgressRegistration {
        ProgressRegistration::new(&self.meter, hook, throttle)
    }

    /// The operations directly below whose meters are in the tree, in the order of their opening.
    pub(crate) fn operations_below(&self) -> Vec<Arc<dyn Running>> {
        self.meter.operations_below()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.meter.own();
        f.debug_struct("Progress")
            .field("operation", &self.meter.label)
            .field("position", &own.position)
            .field("total", &own.total)
            .finish_non_exhaustive()
    }
}
