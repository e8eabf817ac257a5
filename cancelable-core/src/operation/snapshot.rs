//! A snapshot of an operation, for lists, histories and other processes.

use super::Partial;
use crate::cause::{Cause, CauseRecord, HumanDuration, OperationId, OperationLabel, one_line};
use crate::progress::{ProgressSnapshot, SubtreeTotals};
use crate::record::{Record, View, deadlines, grace, meters};
use crate::report::{Metadata, PartialSnapshot, Status};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The state of an operation at one moment, from [`Operation::snapshot`](crate::Operation::snapshot) and from a
/// [`Registry`](crate::Registry). A snapshot keeps nothing of the operation alive.
///
/// Durations count up to [`taken_at`](Self::taken_at), by the clock of the operation's runtime. Durations are
/// `None` for an operation without a runtime.
///
/// With the feature `serde` a snapshot can be serialised. An `Instant` has no meaning in another process, so times
/// are written as durations, in seconds.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let outcome = rt::block_on(scope.try_run(async |op| {
///     op.progress().advance(3);
///     Err::<(), _>("disk full")
/// }));
/// assert!(outcome.into_result().is_err());
/// let snapshot = scope.snapshot();
/// assert_eq!(snapshot.name(), "import");
/// assert!(snapshot.status().is_terminal());
/// assert_eq!(snapshot.progress().map(|progress| progress.position()), Some(3));
/// println!("{snapshot}"); // #1 import: failed, at 3, ...
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OperationSnapshot {
    label: OperationLabel,
    parent: Option<OperationLabel>,
    status: Status,
    location: &'static Location<'static>,
    times: Times,
    deadline: Option<Instant>,
    cause: Option<Cause>,
    error: Option<Arc<str>>,
    metadata: Option<Arc<Metadata>>,
    progress: Option<Arc<ProgressSnapshot>>,
    partial: Option<Arc<PartialSnapshot>>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    taken: Option<Instant>,
    opened: Option<Instant>,
    started: Option<Instant>,
    ended: Option<Instant>,
    /// The start of [`OperationSnapshot::stopping_for`].
    stopping: Option<Instant>,
}

impl OperationSnapshot {
    /// Takes a snapshot at `now`, which the caller has read with no lock held.
    pub(crate) fn of(record: &Record, now: Option<Instant>) -> Self {
        let above = deadlines::inherited(record, None);
        Self::among(record, above, now, &mut SubtreeTotals::default())
    }

    /// Takes a snapshot as [`of`](Self::of) does, for a caller that takes snapshots of many operations. The
    /// caller knows the deadline of the ancestors, and passes the same `totals` to each call.
    pub(crate) fn among(
        record: &Record,
        above: Option<Instant>,
        now: Option<Instant>,
        totals: &mut SubtreeTotals,
    ) -> Self {
        // Read first: when the status is an end, the time of the end and the error are there.
        let status = record.status();
        let View {
            started,
            ended,
            due,
            error,
            metadata,
            has_partial,
        } = record.view();
        // An end that came after the status was read is left out.
        let ended = ended.filter(|_| status.is_terminal());
        let partial = Some(Partial::new(record)).filter(|_| has_partial);
        let progress = meters::made(record);
        let cause = record.cause();
        let taken = ended.or(now);
        let stopping = cause.as_ref().and(taken);
        Self {
            label: record.label.clone(),
            parent: record.parent.as_ref().map(|parent| parent.label.clone()),
            status,
            location: record.location,
            times: Times {
                taken,
                opened: record.opened,
                started,
                ended,
                stopping: stopping.and_then(|now| grace::stopping_since(record, now)),
            },
            deadline: due.into_iter().chain(above).min(),
            cause,
            error,
            metadata: metadata.filter(|metadata| !metadata.is_empty()),
            progress: progress.map(|progress| Arc::new(progress.snapshot_among(totals))),
            partial: partial.and_then(|partial| partial.snapshot().map(Arc::new)),
        }
    }

    /// The id, which is unique in the process.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.label.id()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.label.name()
    }

    /// The id and the name.
    #[must_use]
    pub fn label(&self) -> &OperationLabel {
        &self.label
    }

    /// The parent's label.
    #[must_use]
    pub fn parent(&self) -> Option<&OperationLabel> {
        self.parent.as_ref()
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The location in the source where the operation was opened.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time of the snapshot; for an operation that had ended, the time of its end.
    #[must_use]
    pub fn taken_at(&self) -> Option<Instant> {
        self.times.taken
    }

    /// The time since the operation was opened, pending or running. The age of an operation that is in no registry
    /// counts from its entry.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let opened = self.times.opened.or(self.times.started)?;
        Some(self.times.taken?.saturating_duration_since(opened))
    }

    /// The time of the operation's entry.
    #[must_use]
    pub fn started_at(&self) -> Option<Instant> {
        self.times.started
    }

    /// The time of the operation's end.
    #[must_use]
    pub fn ended_at(&self) -> Option<Instant> {
        self.times.ended
    }

    /// The time since the entry, up to the end.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        let started = self.times.started?;
        Some(self.times.taken?.saturating_duration_since(started))
    }

    /// The earliest deadline of the operation and of its ancestors.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left until the deadline, zero if it had passed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_duration_since(self.times.taken?))
    }

    /// Returns the time since the deadline, if it had passed.
    fn overdue(&self) -> Option<Duration> {
        let over = self.times.taken?.checked_duration_since(self.deadline?)?;
        (!over.is_zero()).then_some(over)
    }

    /// The cause of the cancel request, if cancel was requested, however the operation ended.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// The time since cancel was requested, up to the end, as from
    /// [`Operation::stopping_for`](crate::Operation::stopping_for).
    #[must_use]
    pub fn stopping_for(&self) -> Option<Duration> {
        let since = self.times.stopping?;
        Some(self.times.taken?.saturating_duration_since(since))
    }

    /// The text of the failure, as from [`Operation::error`](crate::Operation::error).
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.metadata.as_deref().unwrap_or(Metadata::EMPTY)
    }

    /// The progress; `None` if neither the operation nor anything below it had made progress.
    #[must_use]
    pub fn progress(&self) -> Option<&ProgressSnapshot> {
        self.progress.as_deref()
    }

    /// The description of the partial result, if there was one.
    #[must_use]
    pub fn partial(&self) -> Option<&PartialSnapshot> {
        self.partial.as_deref()
    }
}

/// One line, such as `#7 import: running for 3.2 s, 1.8 s left, at 40 of 120 (33 %), 1 s to go: copying`. `left` is
/// the time until the deadline (`1.3 s over` after it), and `to go` is the time left of the work.
impl fmt::Display for OperationSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        one_line(f, |f| self.write(f))
    }
}

impl OperationSnapshot {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.id(), self.label, self.status)?;
        match (self.status.is_terminal(), self.elapsed(), self.age()) {
            (true, Some(span), _) => write!(f, " after {}", HumanDuration(span))?,
            (false, Some(span), _) | (false, None, Some(span)) => {
                write!(f, " for {}", HumanDuration(span))?;
            }
            _ => {}
        }
        if let (false, Some(left)) = (self.status.is_terminal(), self.remaining()) {
            match self.overdue() {
                None => write!(f, ", {} left", HumanDuration(left))?,
                Some(over) => write!(f, ", {} over", HumanDuration(over))?,
            }
        }
        if let Some(progress) = &self.progress {
            write!(f, ", at {progress}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ", {error}")?;
        }
        if let Some(cause) = &self.cause {
            f.write_str(", cancel cause: ")?;
            cause.write_phrase(Some(&self.label), f)?;
        }
        match self.metadata().is_empty() {
            true => Ok(()),
            false => write!(f, " [{}]", self.metadata()),
        }
    }

    /// Returns the approximate size of the snapshot and its texts, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let metadata = self.metadata().iter();
        let metadata: usize = metadata.map(|(key, value)| key.len() + value.len()).sum();
        let progress = self.progress.as_ref().map_or(0, |progress| {
            let fields = progress.fields();
            let fields = fields.map(|(key, value)| key.len() + value.as_str().map_or(8, str::len));
            size_of::<ProgressSnapshot>()
                + progress.message().map_or(0, str::len)
                + fields.sum::<usize>()
        });
        let partial = self.partial.as_ref().map_or(0, |partial| {
            size_of::<PartialSnapshot>() + partial.text().map_or(0, str::len)
        });
        let cause = self.cause.as_ref().map_or(0, |cause| {
            let error = cause.error().map_or(0, size_of_val);
            let origin = cause.origin().map_or(0, CauseRecord::bytes);
            cause.message().map_or(0, str::len) + error + origin
        });
        let names = self.name().len() + self.parent.as_ref().map_or(0, |own| own.name().len());
        let error = self.error().map_or(0, str::len);
        size_of::<Self>() + names + error + metadata + progress + partial + cause
    }
}
