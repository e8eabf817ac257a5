//! The counts and durations of a registry's operations.

use super::counts::Counts;
use super::histogram::Histogram;
use super::shards::Shards;
use crate::operation::Status;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of a registry's operations in each status, and the durations of ended operations; from
/// [`Registry::statistics`](super::Registry::statistics).
///
/// The counts cover all operations since the registry was made or last [cleared](super::Registry::clear), also
/// those that are no longer in its history. Each count is exact for a moment during the call.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Registry, Status};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let registry = Registry::new();
///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
///     let statistics = registry.statistics();
///     assert_eq!(statistics.count(Status::Completed), 1);
///     assert_eq!((statistics.open(), statistics.total()), (0, 1));
///     if let Some(durations) = statistics.durations() {
///         println!("99 % took less than {:?}", durations.p99());
///     }
/// #   Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub(super) pending: u64,
    pub(super) running: u64,
    pub(super) completed: u64,
    pub(super) cancelled: u64,
    pub(super) failed: u64,
    pub(super) never_run: u64,
    pub(super) durations: Option<Durations>,
    /// By the word of the reason.
    pub(super) stopping: BTreeMap<Cow<'static, str>, Durations>,
}

/// The durations of ended operations: from entry to end, from [`Statistics::durations`], or from the cancel request to
/// the end, from [`Statistics::stopping`].
///
/// # Examples
///
/// ```
/// use cancelable_core::Registry;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let registry = Registry::new();
///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
///     let statistics = registry.statistics();
///     let durations = statistics.durations().ok_or("no end yet")?;
///     assert_eq!(durations.count(), 1);
///     assert_eq!(durations.mean(), durations.max());
///     println!("p50 {:?}, p99 {:?}", durations.p50(), durations.p99());
/// #   Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    pub(super) count: u64,
    pub(super) mean: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Statistics {
    pub(super) fn of(shards: &Shards) -> Self {
        let (mut all, mut entered) = (Counts::default(), 0);
        for shard in shards.iter() {
            let (counts, of_shard) = shard.counts();
            all.add(&counts);
            entered += of_shard;
        }
        let ended = |status: Status| all.ended[status as usize];
        Self {
            pending: all.opened - entered - ended(Status::NeverRun),
            running: entered - all.entered_and_ended(),
            completed: ended(Status::Completed),
            cancelled: ended(Status::Cancelled),
            failed: ended(Status::Failed),
            never_run: ended(Status::NeverRun),
            durations: all.durations.as_deref().and_then(Durations::of),
            stopping: all
                .stopping
                .iter()
                .filter_map(|(reason, times)| Some(((*reason).into(), Durations::of(times)?)))
                .collect(),
        }
    }

    /// Returns the number of operations with this status.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// drop(Scope::builder("import").register_in(&registry).build()?);
    /// assert_eq!(registry.statistics().count(Status::NeverRun), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        match status {
            Status::Pending => self.pending,
            Status::Running => self.running,
            Status::Completed => self.completed,
            Status::Cancelled => self.cancelled,
            Status::Failed => self.failed,
            Status::NeverRun => self.never_run,
        }
    }

    /// Returns the number of open operations, pending or running.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _open = Scope::builder("import").register_in(&registry).build()?;
    /// drop(Scope::builder("export").register_in(&registry).build()?);
    /// assert_eq!(registry.statistics().open(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn open(&self) -> u64 {
        // Saturating, because deserialised statistics may have any numbers.
        self.pending.saturating_add(self.running)
    }

    /// Returns the number of all operations, open or ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _open = Scope::builder("import").register_in(&registry).build()?;
    /// drop(Scope::builder("export").register_in(&registry).build()?);
    /// assert_eq!(registry.statistics().total(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = Status::ALL.map(|status| self.count(status));
        counts.into_iter().fold(0, u64::saturating_add)
    }

    /// Returns the durations; `None` until an operation with a runtime has ended. An operation without a runtime
    /// has no duration.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let registry = Registry::new();
    ///     assert!(registry.statistics().durations().is_none());
    ///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
    ///     assert!(registry.statistics().durations().is_some());
    /// #   Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn durations(&self) -> Option<&Durations> {
        self.durations.as_ref()
    }

    /// Returns the times from the cancel request to the end of operations that were cancelled for this reason, given
    /// as its [word](crate::Reason::as_str); `None` if there was none. An operation that completed in spite of the
    /// request counts too. An operation that was never run, or has no runtime, does not count.
    ///
    /// Each time is that of [`Operation::stopping_for`](crate::Operation::stopping_for). The registry keeps one
    /// histogram in each of its shards for each reason, whatever the number of operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Reason, Registry};
    /// use std::future::pending;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let registry = Registry::new();
    ///     let import = rt::scope("import").register_in(&registry).build()?;
    ///     import.cancel_with(Reason::ShuttingDown);
    ///     assert!(import.run(async |_| pending::<()>().await).await.is_cancelled());
    ///     let statistics = registry.statistics();
    ///     let stopping = statistics.stopping("shutting_down").ok_or("no cancel")?;
    ///     assert_eq!(stopping.count(), 1);
    ///     println!("99 % of the operations ended within {:?}", stopping.p99());
    /// #   Ok(())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn stopping(&self, reason: &str) -> Option<&Durations> {
        self.stopping.get(reason)
    }

    /// Returns the words of the reasons for which [`stopping`](Self::stopping) has times, in alphabetical order.
    pub fn stopping_reasons(&self) -> impl Iterator<Item = &str> {
        self.stopping.keys().map(|reason| &**reason)
    }
}

impl Durations {
    /// Returns the number of operations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean, which is exact.
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.mean
    }

    /// Returns the median, with an error of at most 6.25 %.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.p50
    }

    /// Returns the 99th percentile, with an error of at most 6.25 %.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.p99
    }

    /// Returns the maximum, which is exact.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            count: histogram.count(),
            mean: histogram.mean()?,
            p50: histogram.percentile(50)?,
            p99: histogram.percentile(99)?,
            max: histogram.max(),
        })
    }
}
