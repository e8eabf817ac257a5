//! The error of a signal that cannot be watched.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A name or number does not stand for a signal that can be watched here.
///
/// Says which of three it is: there is no such signal, nobody may catch it, or this platform
/// does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSignal {
    given: Cow<'static, str>,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    #[cfg_attr(
        windows,
        allow(dead_code, reason = "Windows does not tell unknown from not there")
    )]
    Unknown,
    #[cfg_attr(windows, allow(dead_code, reason = "Windows has no such signal"))]
    Reserved,
    #[cfg_attr(windows, allow(dead_code, reason = "Windows has no such signal"))]
    Fault,
    #[cfg_attr(
        unix,
        allow(dead_code, reason = "Unix has every signal that it has a name for")
    )]
    Unsupported,
}

impl Why {
    /// Why a signal that is in no table of this platform cannot be watched.
    pub(super) fn missing() -> Self {
        match cfg!(windows) {
            true => Self::Unsupported,
            false => Self::Unknown,
        }
    }
}

impl InvalidSignal {
    pub(super) fn new(given: impl Into<Cow<'static, str>>, why: Why) -> Self {
        Self {
            given: given.into(),
            why,
        }
    }

    /// The signal as it was asked for.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Whether this platform has no signal of that name or number.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.why == Why::Unknown
    }

    /// Whether the signal exists and no program may watch it.
    #[must_use]
    pub fn is_uncatchable(&self) -> bool {
        matches!(self.why, Why::Reserved | Why::Fault)
    }

    /// Whether this platform cannot deliver it: Windows has `SIGINT` alone.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.why == Why::Unsupported
    }
}

impl fmt::Display for InvalidSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = &self.given;
        match self.why {
            Why::Unknown => write!(
                f,
                "no signal {given} on this platform; `kill -l` lists those there are"
            ),
            Why::Reserved => write!(
                f,
                "{given} cannot be watched: the system lets no program catch it"
            ),
            Why::Fault => write!(
                f,
                "{given} cannot be watched: it reports a fault of the program, which cannot go on after it"
            ),
            Why::Unsupported => write!(
                f,
                "signal {given} cannot be watched on Windows, which has SIGINT (Ctrl+C) only"
            ),
        }
    }
}

impl Error for InvalidSignal {}
