//! How far an operation had come at one moment.

use super::field_value::FieldValue;
use super::figures::ProgressFigures;
use super::meter::Meter;
use super::subtree::Below;
use crate::sync::escape;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How far an operation had come when it was asked, from
/// [`Progress::snapshot`](super::Progress::snapshot).
///
/// It has two sets of figures: its own, and those of [`overall`](Self::overall), which are its own
/// and those of everything below it, live or ended, added up. That says something where all of them
/// count the same thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgressSnapshot {
    own: ProgressFigures,
    overall: ProgressFigures,
    message: Option<Cow<'static, str>>,
    fields: BTreeMap<Cow<'static, str>, FieldValue>,
}

impl ProgressSnapshot {
    /// What `meter` knows, for a caller that looks at others too if `known` is there.
    pub(super) fn of(meter: &Meter, known: Option<&mut Below>) -> Self {
        // The clock is the runtime's, so it is read before the lock.
        let now = meter.now();
        let (notes, reading) = meter.describe();
        let (own, end) = (reading.own, reading.end);
        let all_ended = end.is_some() && reading.parts.is_empty();
        let all = Below::sum(known, meter.label.id(), reading).read();
        let at = |is_over: bool| end.filter(|_| is_over).map_or(now, |end| end.at);
        let (rate, overall_rate) = meter.rates((at(true), own.done()), (at(all_ended), all.done()));
        Self {
            own: ProgressFigures::new(own, rate, end.is_some()),
            overall: ProgressFigures::new(all, overall_rate, all_ended),
            message: notes.message,
            fields: notes.fields,
        }
    }

    /// The operation's own figures, which the methods of the snapshot read too.
    #[must_use]
    pub fn own(&self) -> &ProgressFigures {
        &self.own
    }

    /// The figures of the operation and of everything below it together.
    ///
    /// The total is known if someone said one and everyone who moves did; what has ended without
    /// one counts as done. Someone who has not moved and said no total counts nothing.
    #[must_use]
    pub fn overall(&self) -> &ProgressFigures {
        &self.overall
    }

    /// How many steps were done.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.own.position()
    }

    /// How many steps there are, if that is known.
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

    /// How long it will take to the end; see [`ProgressFigures::eta`].
    #[must_use]
    pub fn eta(&self) -> Option<Duration> {
        self.own.eta()
    }

    /// What goes on, in words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The structured fields, in the order of their keys.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &FieldValue)> {
        self.fields.iter().map(|(key, value)| (&**key, value))
    }

    /// The structured field with this key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&FieldValue> {
        self.fields.get(key)
    }
}

/// One line, of the figures over all and the message: `40 of 120 (33 %), 3.2 s to go: copying`.
impl fmt::Display for ProgressSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.overall.fmt(f)?;
        match &self.message {
            Some(message) => write!(f, ": {}", escape(message)),
            None => Ok(()),
        }
    }
}
