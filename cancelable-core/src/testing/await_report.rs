//! What the checker of await points found.

use crate::sync::escape;
use std::fmt;
use std::panic::Location;

/// How the last run of a check went, the one that was not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastRun {
    /// The future came to its end.
    Completed,
    /// It waits for something that never comes; up to there it was checked.
    WaitsForEver,
    /// It has more await points than the checker goes along with; the rest is not checked.
    TooLong,
}

/// What became of a future that was cancelled at each of its await points in turn.
///
/// Its `Display` has a line for each that left something broken, or says that none did.
#[derive(Clone, Debug)]
pub struct AwaitReport {
    pub(super) points: usize,
    pub(super) last: LastRun,
    pub(super) broken: Vec<BrokenAwait>,
}

impl AwaitReport {
    /// How many await points there are: polls that answered pending.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points
    }

    /// How the run went that was not cancelled.
    #[must_use]
    pub fn last_run(&self) -> LastRun {
        self.last
    }

    /// The points that left something broken, in their order.
    #[must_use]
    pub fn broken(&self) -> &[BrokenAwait] {
        &self.broken
    }

    /// The report, if nothing was broken and every point was checked.
    ///
    /// # Errors
    ///
    /// Otherwise. The error's `Debug` is for reading, so that a test may just unwrap.
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
            0 => write!(f, "none of {points} await points leaves anything broken")?,
            broken => write!(f, "{broken} findings, with {points} await points:")?,
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

/// A point at which cancelling left something broken.
#[derive(Clone, Debug)]
pub struct BrokenAwait {
    /// None after a run that was not cancelled.
    pub(super) number: Option<usize>,
    pub(super) places: Vec<&'static Location<'static>>,
    pub(super) error: String,
}

impl BrokenAwait {
    /// The number of the await point, counted from one. Zero is before the first poll, and none means
    /// that the check failed after the future was not cancelled at all.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.number
    }

    /// The `.await` in the source, where it is known: the innermost one on a future of this crate.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.places.first().copied()
    }

    /// Every `.await` on a future of this crate that was waiting, innermost first.
    #[must_use]
    pub fn locations(&self) -> &[&'static Location<'static>] {
        &self.places
    }

    /// What the check found.
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

/// A future leaves something broken where it is cancelled, or was not checked to its end.
#[derive(Clone)]
pub struct BrokenAwaits {
    report: AwaitReport,
}

impl BrokenAwaits {
    /// The report.
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

/// The lines of `Display`: it is what a failed test prints.
impl fmt::Debug for BrokenAwaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BrokenAwaits {}
