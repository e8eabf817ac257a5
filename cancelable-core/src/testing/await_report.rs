//! The report of a check of await points.

use crate::sync::escape;
use std::fmt::{self, Display};
use std::panic::Location;

/// The end of the last run of a check, which is not cancelled.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::{LastRun, cancel_at_every_await};
/// use std::future::pending;
///
/// let report = cancel_at_every_await(|_| pending::<()>(), |_| ());
/// assert_eq!(report.last_run(), LastRun::WaitsForEver);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastRun {
    /// The future completed.
    Completed,
    /// Nothing can wake the future any more. All its await points were checked.
    WaitsForEver,
    /// The future has more await points than are checked.
    TooLong,
}

/// The findings after cancelling a future at each of its await points in turn, from
/// [`cancel_at_every_await`](super::cancel_at_every_await) and
/// [`cancel_token_at_every_await`](super::cancel_token_at_every_await).
///
/// `Display` has a line for each finding.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::{LastRun, cancel_at_every_await};
/// use std::time::Duration;
///
/// let report = cancel_at_every_await(
///     |runtime| async move {
///         runtime.sleep(Duration::from_secs(1)).await;
///         runtime.sleep(Duration::from_secs(1)).await;
///     },
///     |manual| match manual.live_tasks() {
///         0 => Ok(()),
///         left => Err(format!("{left} tasks are left")),
///     },
/// );
/// assert_eq!(report.points(), 2);
/// assert_eq!(report.last_run(), LastRun::Completed);
/// assert_eq!(report.to_string(), "no finding at 2 await points");
/// ```
#[derive(Clone, Debug)]
pub struct AwaitReport {
    pub(super) points: usize,
    pub(super) last: LastRun,
    pub(super) broken: Vec<BrokenAwait>,
}

impl AwaitReport {
    /// Returns the number of await points: polls that returned pending.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points
    }

    /// Returns the end of the run that was not cancelled.
    #[must_use]
    pub fn last_run(&self) -> LastRun {
        self.last
    }

    /// Returns the findings, in the order of the await points.
    #[must_use]
    pub fn broken(&self) -> &[BrokenAwait] {
        &self.broken
    }

    /// Returns the report, if it has no findings and every await point was checked.
    ///
    /// # Errors
    ///
    /// The report has findings, or an await point was not checked. `Debug` of the error is readable text, for a test
    /// that unwraps.
    pub fn into_result(self) -> Result<Self, BrokenAwaits> {
        match self.broken.is_empty() && self.last != LastRun::TooLong {
            true => Ok(self),
            false => Err(BrokenAwaits { report: self }),
        }
    }
}

impl fmt::Display for AwaitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = self.points;
        match self.broken.len() {
            0 => write!(f, "no finding at {points} await points")?,
            1 => write!(f, "1 finding in {points} await points:")?,
            broken => write!(f, "{broken} findings in {points} await points:")?,
        }
        for broken in &self.broken {
            write!(f, "\n  {broken}")?;
        }
        if self.last == LastRun::TooLong {
            write!(f, "\n  the points after these were not checked")?;
        }
        Ok(())
    }
}

/// A finding: an await point at which a cancel left broken state.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::cancel_at_every_await;
/// use std::cell::Cell;
/// use std::future::pending;
///
/// let is_open = Cell::new(false);
/// let report = cancel_at_every_await(
///     |_| async {
///         is_open.set(true);
///         pending::<()>().await; // Dropped here, the value stays open.
///     },
///     |_| if is_open.take() { Err("left open") } else { Ok(()) },
/// );
/// let broken = &report.broken()[0];
/// assert_eq!((broken.number(), broken.error()), (Some(1), "left open"));
/// ```
#[derive(Clone, Debug)]
pub struct BrokenAwait {
    /// The number of the await point; `None` for the run that was not cancelled.
    pub(super) number: Option<usize>,
    pub(super) places: Vec<&'static Location<'static>>,
    pub(super) error: String,
}

impl BrokenAwait {
    /// Returns the number of the await point, counted from one. Zero is the point before the first poll. `None` is the
    /// run that was not cancelled.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.number
    }

    /// Returns the innermost pending `.await` on a future of this crate, if there is one.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.places.first().copied()
    }

    /// Returns every pending `.await` on a future of this crate, the innermost first.
    #[must_use]
    pub fn locations(&self) -> &[&'static Location<'static>] {
        &self.places
    }

    /// Returns the error text of the check.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }
}

impl fmt::Display for BrokenAwait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => write!(f, "not cancelled")?,
            Some(0) => write!(f, "cancelled before its first poll")?,
            Some(number) => write!(f, "cancelled at await point {number}")?,
        }
        if let Some(place) = self.location() {
            write!(f, " ({}:{})", place.file(), place.line())?;
        }
        write!(f, ": {}", escape(&self.error))
    }
}

/// The error of a check with findings, or with await points that were not checked.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::cancel_at_every_await;
/// use std::future::ready;
///
/// let report = cancel_at_every_await(|_| ready(()), |_| Err("always broken"));
/// let error = report.into_result().err();
/// assert_eq!(error.map(|error| error.report().broken().len()), Some(2));
/// ```
#[derive(Clone)]
pub struct BrokenAwaits {
    report: AwaitReport,
}

impl BrokenAwaits {
    /// Returns the report.
    #[must_use]
    pub fn report(&self) -> &AwaitReport {
        &self.report
    }
}

impl fmt::Display for BrokenAwaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.report, f)
    }
}

/// Writes the text of `Display`, because a failed test prints `Debug`.
impl fmt::Debug for BrokenAwaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BrokenAwaits {}

/// The return value of a check: a `Result`, or `()` from a check that panics if something is broken.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::Verdict;
///
/// assert_eq!(().into_verdict(), Ok(()));
/// assert_eq!(Err::<(), _>("torn").into_verdict(), Err("torn".to_owned()));
/// ```
pub trait Verdict {
    /// Returns the verdict, with the error as text.
    ///
    /// # Errors
    ///
    /// Something is broken.
    fn into_verdict(self) -> Result<(), String>;
}

impl Verdict for () {
    fn into_verdict(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Verdict for Result<(), E> {
    fn into_verdict(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
