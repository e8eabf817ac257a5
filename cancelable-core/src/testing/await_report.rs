//! The result of a check of await points.

use crate::sync::escape;
use std::fmt::{self, Display};
use std::panic::Location;

/// The end of a check's last run, which is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastRun {
    /// The future completed.
    Completed,
    /// Nothing can wake the future any more. All await points before that were checked.
    WaitsForEver,
    /// The future has more await points than are checked.
    TooLong,
}

/// The result of cancelling a future at each of its await points in turn.
///
/// `Display` has a line for each await point that left something broken, or says that none did.
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

    /// The end of the run that was not cancelled.
    #[must_use]
    pub fn last_run(&self) -> LastRun {
        self.last
    }

    /// The await points that left something broken, in order.
    #[must_use]
    pub fn broken(&self) -> &[BrokenAwait] {
        &self.broken
    }

    /// Returns the report, if nothing was broken and every await point was checked.
    ///
    /// # Errors
    ///
    /// An await point left something broken or was not checked. The error's `Debug` is readable text, so a
    /// test may just unwrap.
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

/// An await point at which cancelling left something broken.
#[derive(Clone, Debug)]
pub struct BrokenAwait {
    /// None for the run that was not cancelled.
    pub(super) number: Option<usize>,
    pub(super) places: Vec<&'static Location<'static>>,
    pub(super) error: String,
}

impl BrokenAwait {
    /// The number of the await point, counted from one. Zero stands for before the first poll, and `None`
    /// for the run that was not cancelled.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.number
    }

    /// The innermost pending `.await` on a future of this crate, if there is one.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.places.first().copied()
    }

    /// Every pending `.await` on a future of this crate, innermost first.
    #[must_use]
    pub fn locations(&self) -> &[&'static Location<'static>] {
        &self.places
    }

    /// The finding of the check.
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

/// The error of a future that leaves something broken where it is cancelled, or was not checked to its end.
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

/// The same text as `Display`, as it is what a failed test prints.
impl fmt::Debug for BrokenAwaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BrokenAwaits {}

/// The return value of a check: a `Result`, or nothing from a check that panics where something is broken.
pub trait Verdict {
    /// Returns what is broken as text.
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
