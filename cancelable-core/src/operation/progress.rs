//! How far an operation has come: what the work says of itself, and who hears of it.
//!
//! A [`Progress`] is made when it is first asked for, so that an operation without it carries an
//! empty cell and no more. It is one meter (`meter.rs`), which parents sum up when they are asked.

mod below;
mod change;
mod field_value;
mod figures;
mod listener;
mod meter;
mod pace;
mod registration;
mod snapshot;
mod sum;
mod throttle;
mod unthrottled;
mod update;

pub(crate) use below::Below;
pub use change::ProgressChange;
pub use field_value::FieldValue;
pub use figures::ProgressFigures;
pub use registration::ProgressRegistration;
pub use snapshot::ProgressSnapshot;
pub use unthrottled::ThrottleWithoutRuntime;
pub use update::ProgressUpdate;

use super::{Operation, Record};
use listener::Listener;
use meter::Meter;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throttle::Throttle;

/// How far an operation has come, from [`Operation::progress`]. Cloning is one reference count.
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
    pub(super) fn snapshot_among(&self, below: Option<&mut Below>) -> ProgressSnapshot {
        self.meter.snapshot(below)
    }

    /// The operations directly below that have progress, or something below them that has, and have
    /// not ended; in the order of their opening.
    #[must_use]
    pub fn parts(&self) -> Vec<Operation> {
        let parts = self.meter.parts();
        parts.into_iter().map(Operation::new).collect()
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

impl Operation {
    /// How far it has come, for writing and reading. It is made by the first call.
    ///
    /// In a loop, keep a clone or the reference.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        self.record.progress()
    }

    /// What is known of how far it has come; `None` if nobody here or below ever asked for its
    /// [`progress`](Self::progress).
    #[must_use]
    pub fn progress_snapshot(&self) -> Option<ProgressSnapshot> {
        self.record.progress.get().map(Progress::snapshot)
    }

    /// Calls `hook` after each change of its progress and of the progress of everything below it,
    /// and once more when it ends. If it has ended already, that last call comes at once.
    ///
    /// A call comes on the thread that made the change, with no lock held. There is one call at a
    /// time: what changes meanwhile, on other threads or by the hook itself, is told afterwards by
    /// the thread that calls. Then several changes of one operation are one call. So a hook never
    /// sees a position lower than before, unless one was set back. Its panic is logged and counted
    /// ([`isolated_panics`](crate::token::isolated_panics)), and the hook stays.
    ///
    /// # Fairness
    ///
    /// Where many threads make progress, one of them may be kept with calls for the others. A hook
    /// that makes progress of the same operation at every call is called for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::sync::mpsc;
    ///
    /// let scope = Scope::builder("import").build().expect("it is sound");
    /// let (sender, told) = mpsc::channel();
    /// let _registration = scope.on_progress(move |update| {
    ///     let by = update.made_by().name().to_owned();
    ///     let _ = sender.send((by, update.snapshot().overall().position()));
    /// });
    /// let file = scope.child("file").build().expect("it is sound");
    /// file.progress().advance(3);
    /// scope.progress().advance(1);
    /// assert_eq!(told.recv(), Ok(("file".to_owned(), 3)));
    /// assert_eq!(told.recv(), Ok(("import".to_owned(), 4)));
    /// ```
    pub fn on_progress<H>(&self, hook: H) -> ProgressRegistration
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        self.listen(Listener::new(Box::new(hook), None))
    }

    /// [`on_progress`](Self::on_progress) with at most one call in each `interval` of the runtime's
    /// clock, beside the last one.
    ///
    /// The first change is told at once. What comes too early is not told by itself: the next call
    /// has it, or the last one, because no timer is set. An interval of zero tells each change.
    ///
    /// # Errors
    ///
    /// The operation has no runtime to tell the time. The hook comes back.
    pub fn on_progress_every<H>(
        &self,
        interval: Duration,
        hook: H,
    ) -> Result<ProgressRegistration, ThrottleWithoutRuntime<H>>
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        let Some(runtime) = self.runtime() else {
            return Err(ThrottleWithoutRuntime::new(self.label().clone(), hook));
        };
        let throttle = Throttle::new(runtime.clone(), interval);
        Ok(self.listen(Listener::new(Box::new(hook), Some(throttle))))
    }

    fn listen(&self, listener: Listener) -> ProgressRegistration {
        let meter = &self.progress().meter;
        let listener = Arc::new(listener);
        meter.add(&listener);
        ProgressRegistration::new(meter, listener)
    }
}

impl Record {
    /// The meters of this record and of all above it, made where they are not.
    fn progress(self: &Arc<Self>) -> &Progress {
        if let Some(progress) = self.progress.get() {
            return progress;
        }
        let mut without = Vec::new();
        let mut above = self.parent.as_ref();
        // Ends: every turn goes one up.
        while let Some(record) = above.filter(|record| record.progress.get().is_none()) {
            without.push(record);
            above = record.parent.as_ref();
        }
        let mut parent = above.and_then(|record| record.progress.get());
        for record in without.into_iter().rev() {
            parent = Some(record.progress_below(parent));
        }
        self.progress_below(parent)
    }

    /// This record's meter, below the one that is given.
    ///
    /// A record that ends meanwhile ends its meter, if it sees it. The lock orders the two: who
    /// changes the status to an end does so, or comes back, under it, and looks for a meter later.
    /// So either that sees the meter or this sees the end.
    fn progress_below(self: &Arc<Self>, parent: Option<&Progress>) -> &Progress {
        // The clock is not read where another thread may wait for this one.
        let now = self.now();
        let mut made = false;
        let progress = self.progress.get_or_init(|| {
            made = true;
            let parent = parent.map(|parent| &parent.meter);
            Progress {
                meter: Meter::below(parent, self, now),
            }
        });
        if made {
            let has_ended = {
                let _inner = self.inner.lock();
                self.status().is_closed()
            };
            if has_ended {
                progress.meter.end(now);
            }
            self.observe_progress();
        }
        progress
    }

    /// Ends the meter of a record whose status is an end, if there is one.
    pub(super) fn end_progress(&self, now: Option<Instant>) {
        if let Some(progress) = self.progress.get() {
            progress.meter.end(now);
        }
    }
}
