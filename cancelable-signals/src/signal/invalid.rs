//! The error of a signal that cannot be watched.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// The error of a name or number that does not stand for a signal that this process can watch.
///
/// There are three cases: there is no such signal, no program may catch the signal, or this platform does not support
/// it.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_signals::Signal;
///
/// let error = "KILL".parse::<Signal>().unwrap_err();
/// assert!(error.is_uncatchable());
/// assert_eq!(error.to_string(), "SIGKILL cannot be watched: the system lets no program catch it");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSignal {
    given: Cow<'static, str>,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    #[cfg_attr(
        windows,
        allow(
            dead_code,
            reason = "on Windows an unknown signal is an unsupported signal"
        )
    )]
    Unknown,
    #[cfg_attr(windows, allow(dead_code, reason = "Windows has no such signal"))]
    Reserved,
    #[cfg_attr(windows, allow(dead_code, reason = "Windows has no such signal"))]
    Fault,
    #[cfg_attr(
        unix,
        allow(dead_code, reason = "on Unix every signal with a name is supported")
    )]
    Unsupported,
}

impl Problem {
    /// The problem of a signal that is in no table of this platform.
    pub(super) fn missing() -> Self {
        match cfg!(windows) {
            true => Self::Unsupported,
            false => Self::Unknown,
        }
    }
}

impl InvalidSignal {
    pub(super) fn new(given: impl Into<Cow<'static, str>>, problem: Problem) -> Self {
        Self {
            given: given.into(),
            problem,
        }
    }

    /// The name or number that was given.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Returns whether this platform has no signal of that name or number.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_signals::Signal;
    ///
    /// let error = "SIGFOO".parse::<Signal>().unwrap_err();
    /// assert!(error.is_unknown());
    /// assert!(error.given().contains("SIGFOO"));
    /// # }
    /// ```
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.problem == Problem::Unknown
    }

    /// Returns whether the signal exists and no program may watch it.
    #[must_use]
    pub fn is_uncatchable(&self) -> bool {
        matches!(self.problem, Problem::Reserved | Problem::Fault)
    }

    /// Returns whether this platform does not support the signal: Windows has `SIGINT` only.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.problem == Problem::Unsupported
    }
}

impl fmt::Display for InvalidSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = &self.given;
        match self.problem {
            Problem::Unknown => write!(
                f,
                "no signal {given} on this platform; `kill -l` lists the signals"
            ),
            Problem::Reserved => write!(
                f,
                "{given} cannot be watched: the system lets no program catch it"
            ),
            Problem::Fault => write!(
                f,
                "{given} cannot be watched: it reports a fault, after which the program cannot continue"
            ),
            Problem::Unsupported => write!(
                f,
                "signal {given} cannot be watched on Windows, which has SIGINT (Ctrl+C) only"
            ),
        }
    }
}

impl Error for InvalidSignal {}
