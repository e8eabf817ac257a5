//! The signal that terminates a process.

use cancelable_signals::{InvalidSignal, Signal};
use std::fmt;
use std::str::FromStr;

/// A signal to send to a process. Unlike a [`Signal`], a stop signal may be a signal that no program can watch,
/// such as `SIGKILL` and `SIGSTOP`.
///
/// A stop signal is made from a [`Signal`], or parsed from a name in upper or lower case and with or without
/// `SIG`, or from a number.
///
/// # Examples
///
/// ```
/// use cancelable_process::StopSignal;
///
/// let signal: StopSignal = "int".parse()?;
/// assert_eq!(signal.name(), "SIGINT");
/// # #[cfg(unix)]
/// assert_eq!("9".parse::<StopSignal>()?.name(), "SIGKILL");
/// # Ok::<(), cancelable_signals::InvalidSignal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StopSignal {
    number: i32,
    name: &'static str,
}

impl StopSignal {
    /// `SIGTERM`, the default.
    pub const TERM: Self = Self {
        number: 15,
        name: "SIGTERM",
    };

    /// The signal's number on this platform.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_process::StopSignal;
    ///
    /// assert_eq!(StopSignal::TERM.number(), 15);
    /// ```
    #[must_use]
    pub fn number(self) -> i32 {
        self.number
    }

    /// The signal's name, such as `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }
}

impl Default for StopSignal {
    fn default() -> Self {
        Self::TERM
    }
}

impl From<Signal> for StopSignal {
    fn from(signal: Signal) -> Self {
        Self {
            number: signal.number(),
            name: signal.name(),
        }
    }
}

/// The signals that can be sent and cannot be watched.
#[cfg(unix)]
const UNWATCHED: [StopSignal; 5] = {
    use signal_hook::consts;
    const fn signal(number: i32, name: &'static str) -> StopSignal {
        StopSignal { number, name }
    }
    [
        signal(consts::SIGKILL, "SIGKILL"),
        signal(consts::SIGSTOP, "SIGSTOP"),
        signal(consts::SIGILL, "SIGILL"),
        signal(consts::SIGFPE, "SIGFPE"),
        signal(consts::SIGSEGV, "SIGSEGV"),
    ]
};
#[cfg(not(unix))]
const UNWATCHED: [StopSignal; 0] = [];

/// Parses a signal's name in upper or lower case and with or without `SIG`, or its number in digits.
impl FromStr for StopSignal {
    type Err = InvalidSignal;

    fn from_str(text: &str) -> Result<Self, InvalidSignal> {
        let error = match text.parse::<Signal>() {
            Ok(signal) => return Ok(signal.into()),
            Err(error) => error,
        };
        let name = text.trim().to_ascii_uppercase();
        let is_meant = |signal: &Self| {
            signal.name == name
                || signal.name.strip_prefix("SIG") == Some(&name)
                || name.parse() == Ok(signal.number)
        };
        UNWATCHED.into_iter().find(is_meant).ok_or(error)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
