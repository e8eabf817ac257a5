//! The progress of an operation at one moment.

use super::field_value::FieldValue;
use super::figures::ProgressFigures;
use super::meter::{End, Meter};
use super::rate::Sample;
use super::subtree::SubtreeTotals;
use super::totals::Count;
use crate::sync::escape;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The progress of an operation at one moment, from [`Progress::snapshot`](super::Progress::snapshot).
///
/// A snapshot has two sets of figures: the operation's own, and [`overall`](Self::overall), which adds up the
/// operation and everything below it, live or ended. The sum has a meaning if all operations count in the same unit.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sync = Scope::builder("sync").build()?;
/// let upload = sync.child("upload").build()?;
/// upload.progress().set_total(10);
/// upload.progress().advance(4);
/// let snapshot = sync.progress().snapshot();
/// assert_eq!(snapshot.position(), 0);
/// assert_eq!(snapshot.overall().position(), 4);
/// assert_eq!(snapshot.overall().total(), Some(10));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProgressSnapshot {
    own: ProgressFigures,
    overall: ProgressFigures,
    message: Option<Cow<'static, str>>,
    fields: BTreeMap<Cow<'static, str>, FieldValue>,
}

impl ProgressSnapshot {
    /// Takes a snapshot of `meter`. A caller that reads many meters passes `totals` from one to the next.
    pub(super) fn of(meter: &Meter, totals: &mut SubtreeTotals) -> Self {
        // The clock is the runtime's, so it is read before the lock.
        let now = meter.now();
        let (description, reading) = meter.described_reading();
        let (own, end) = (reading.count, reading.end);
        let all_ended = end.is_some() && reading.children.is_empty();
        let overall = totals.of(meter.label.id(), reading).count();
        let sample = |count: Count, end: Option<End>| {
            let at = end.map_or(now, |end| end.at)?;
            Some(Sample {
                at,
                done: count.done(),
            })
        };
        let (rate, overall_rate) =
            meter.rates(sample(own, end), sample(overall, end.filter(|_| all_ended)));
        Self {
            own: ProgressFigures::new(own, rate, end.is_some()),
            overall: ProgressFigures::new(overall, overall_rate, all_ended),
            message: description.message,
            fields: description.fields,
        }
    }

    /// The operation's own figures. The methods of the same names return them one by one.
    #[must_use]
    pub fn own(&self) -> &ProgressFigures {
        &self.own
    }

    /// The figures of the operation and of everything below it together.
    ///
    /// The total is `None` if any operation that has advanced has no total. An operation that has ended
    /// without a total counts as done. An operation that has not advanced and has no total counts nothing.
    #[must_use]
    pub fn overall(&self) -> &ProgressFigures {
        &self.overall
    }

    /// The number of steps done.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.own.position()
    }

    /// The number of all steps, if it is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.own.total()
    }

    /// Position over total, from 0 to 1; see [`ProgressFigures::fraction`].
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        self.own.fraction()
    }

    /// Steps a second; see [`ProgressFigures::rate`].
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.own.rate()
    }

    /// The time left to the total; see [`ProgressFigures::eta`].
    #[must_use]
    pub fn eta(&self) -> Option<Duration> {
        self.own.eta()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The fields, in the order of their keys.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &FieldValue)> {
        self.fields.iter().map(|(key, value)| (&**key, value))
    }

    /// The value of the field with this key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&FieldValue> {
        self.fields.get(key)
    }
}

/// A line with the overall figures and the message: `40 of 120 (33 %), 3.2 s to go: copying`.
impl fmt::Display for ProgressSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.overall.fmt(f)?;
        match &self.message {
            Some(message) => write!(f, ": {}", escape(message)),
            None => Ok(()),
        }
    }
}
