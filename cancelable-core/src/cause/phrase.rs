//! The parts of phrases for people.

use std::fmt::{self, Display};
use std::time::Duration;

/// A choice: a phrase with or without the source location of the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocationShown {
    Yes,
    No,
}

/// The additions in parentheses. Without additions, no parentheses are written.
#[derive(Default)]
pub(super) struct Parentheses {
    are_open: bool,
}

impl Parentheses {
    /// Begins the next addition.
    pub(super) fn open(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_first = !std::mem::replace(&mut self.are_open, true);
        f.write_str(if is_first { " (" } else { ", " })
    }

    pub(super) fn close(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.are_open {
            true => f.write_str(")"),
            false => Ok(()),
        }
    }
}

/// A duration in the form that people write: `3 s`, `1.5 s`, `250 ms`, `2 min 5 s`.
pub(crate) struct HumanDuration(pub(crate) Duration);

impl Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.0;
        let seconds = span.as_secs();
        if seconds >= 3600 {
            write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60)
        } else if seconds >= 120 {
            write!(f, "{} min {} s", seconds / 60, seconds % 60)
        } else if seconds >= 1 {
            decimal(f, seconds, span.subsec_millis() / 100, "s")
        } else if span.as_millis() >= 1 {
            let micros = span.as_micros();
            decimal(
                f,
                span.as_millis() as u64,
                (micros % 1000 / 100) as u32,
                "ms",
            )
        } else if span.is_zero() {
            f.write_str("0 s")
        } else {
            let nanos = span.as_nanos();
            decimal(
                f,
                span.as_micros() as u64,
                (nanos % 1000 / 100) as u32,
                "us",
            )
        }
    }
}

/// Writes `whole.tenth unit`, without a tenth of zero.
fn decimal(f: &mut fmt::Formatter<'_>, whole: u64, tenth: u32, unit: &str) -> fmt::Result {
    match tenth {
        0 => write!(f, "{whole} {unit}"),
        _ => write!(f, "{whole}.{tenth} {unit}"),
    }
}
