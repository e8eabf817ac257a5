//! The figures of progress.

use super::totals::Count;
use crate::cause::HumanDuration;
use std::fmt;
use std::time::Duration;

/// The position, total, rate and time left of one operation or of several together, from a
/// [`ProgressSnapshot`](super::ProgressSnapshot).
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// scope.progress().change().set_total(120).set_position(40).apply();
/// let figures = *scope.progress().snapshot().own();
/// assert_eq!((figures.position(), figures.total()), (40, Some(120)));
/// assert_eq!(figures.rate(), None, "without a runtime");
/// assert_eq!(figures.to_string(), "40 of 120 (33 %)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProgressFigures {
    position: u64,
    total: Option<u64>,
    rate: Option<f64>,
    eta: Option<Duration>,
}

impl ProgressFigures {
    pub(super) fn new(count: Count, rate: Option<f64>, has_ended: bool) -> Self {
        let (position, total) = (count.position, count.total);
        Self {
            position,
            total,
            rate,
            eta: total.and_then(|total| match total.saturating_sub(position) {
                0 => Some(Duration::ZERO),
                _ if has_ended => None,
                left => eta(left, rate?),
            }),
        }
    }

    /// The number of steps done.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number of all steps, if it is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Position over total, from 0 to 1; `None` without a total. The fraction is 1 for a position beyond the total,
    /// and for a total of zero.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        match self.total? {
            0 => Some(1.0),
            total => Some((self.position as f64 / total as f64).min(1.0)),
        }
    }

    /// Steps a second over the last five to ten seconds; over less time at first, and over more if no snapshot was
    /// taken in between. Steps before the [start](super::Progress::start_at) do not count.
    ///
    /// `None` without a runtime, before the first step, and just after the position was set back. The rate is
    /// never infinite.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// The time left to the total at this rate. `None` without a total or a rate, for a rate of zero, for a time
    /// that is too long for a `Duration`, and for work that has ended before its total.
    #[must_use]
    pub fn eta(&self) -> Option<Duration> {
        self.eta
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ProgressFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut figures = serializer.serialize_struct("ProgressFigures", 5)?;
        figures.serialize_field("position", &self.position())?;
        figures.serialize_field("total", &self.total())?;
        figures.serialize_field("fraction", &self.fraction())?;
        figures.serialize_field("per_second", &self.rate())?;
        figures.serialize_field("eta_seconds", &crate::cause::serial::seconds(self.eta()))?;
        figures.end()
    }
}

/// A line such as `40 of 120 (33 %), 3.2 s to go`, or `40` if only the position is known.
impl fmt::Display for ProgressFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        if let Some(total) = self.total {
            write!(f, " of {total} ({} %)", percent(self.position, total))?;
        }
        match self.eta {
            Some(eta) if !eta.is_zero() => write!(f, ", {} to go", HumanDuration(eta)),
            _ => Ok(()),
        }
    }
}

/// Returns the percentage, rounded down: only finished work is at 100.
fn percent(position: u64, total: u64) -> u128 {
    let done = u128::from(position.min(total)) * 100;
    done.checked_div(total.into()).unwrap_or(100)
}

fn eta(left: u64, rate: f64) -> Option<Duration> {
    if rate <= 0.0 {
        return None;
    }
    Duration::try_from_secs_f64(left as f64 / rate).ok()
}

#[cfg(test)]
mod tests {
    use super::{Count, ProgressFigures};
    use std::time::Duration;

    fn figures(position: u64, total: impl Into<Option<u64>>, rate: f64) -> ProgressFigures {
        let total = total.into();
        let count = Count {
            position,
            total,
            ..Count::default()
        };
        ProgressFigures::new(count, Some(rate), false)
    }

    #[test]
    fn r38_fractions_and_times_left_are_numbers() {
        assert_eq!(figures(5, None, 1.0).fraction(), None);
        assert_eq!(figures(0, 0, 0.0).fraction(), Some(1.0));
        assert_eq!(figures(7, 5, 1.0).fraction(), Some(1.0));
        assert_eq!(figures(7, 5, 1.0).eta(), Some(Duration::ZERO));
        assert_eq!(figures(5, 7, 4.0).eta(), Some(Duration::from_millis(500)));
        assert_eq!(figures(5, 7, 0.0).eta(), None);
        assert_eq!(figures(1, u64::MAX, 1e-9).eta(), None, "too long a time");
    }
}
