//! A signal that this process can watch.
//!
//! A value is checked when it is made. So code that has a `Signal` needs no case for a signal that does not exist or
//! that no program may catch.

mod invalid;
mod names;

pub use invalid::InvalidSignal;

use invalid::Problem;
use std::fmt;
use std::str::FromStr;

/// A signal that can be watched on this platform.
///
/// On Unix: any signal that a process may catch, real-time signals included. On Windows: `SIGINT` only, which is Ctrl+C.
/// The numbers are the platform's.
///
/// # Examples
///
/// ```
/// use cancelable_signals::Signal;
///
/// let signal: Signal = "int".parse()?;
/// assert_eq!(signal, Signal::INT);
/// assert_eq!(signal.name(), "SIGINT");
/// assert!("SIGKILL".parse::<Signal>().is_err());
/// # Ok::<(), cancelable_signals::InvalidSignal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal {
    number: i32,
    name: &'static str,
}

impl Signal {
    /// `SIGINT`, which Ctrl+C sends. The only signal that every platform has.
    pub const INT: Self = Self {
        number: 2,
        name: "SIGINT",
    };

    /// Returns `SIGTERM`, the request to end.
    ///
    /// # Errors
    ///
    /// The platform is Windows, which has no such signal.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_signals::Signal;
    ///
    /// assert_eq!(Signal::term()?.name(), "SIGTERM");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn term() -> Result<Self, InvalidSignal> {
        "SIGTERM".parse()
    }

    /// Returns the signals by which people and service managers stop a program: `SIGINT`, and `SIGTERM` if the platform
    /// has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_signals::Signal;
    ///
    /// let signals = Signal::shutdown();
    /// assert_eq!(signals[0], Signal::INT);
    /// # #[cfg(unix)]
    /// assert_eq!(signals[1].name(), "SIGTERM");
    /// ```
    #[must_use]
    pub fn shutdown() -> Vec<Self> {
        [Ok(Self::INT), Self::term()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The signal's number on this platform.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_signals::Signal;
    ///
    /// assert_eq!(Signal::INT.number(), 2);
    /// assert_eq!(Signal::try_from(2), Ok(Signal::INT));
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

/// Converts from the number of a signal on this platform.
impl TryFrom<i32> for Signal {
    type Error = InvalidSignal;

    fn try_from(number: i32) -> Result<Self, InvalidSignal> {
        let Some(name) = names::name_of(number) else {
            return Err(InvalidSignal::new(
                format!("number {number}"),
                Problem::missing(),
            ));
        };
        match names::is_forbidden(number) {
            None => Ok(Self { number, name }),
            Some(problem) => Err(InvalidSignal::new(name, problem)),
        }
    }
}

/// Parses a signal's name, in upper or lower case and with or without `SIG`, or the signal's number in digits.
impl FromStr for Signal {
    type Err = InvalidSignal;

    fn from_str(text: &str) -> Result<Self, InvalidSignal> {
        let name = text.trim().to_ascii_uppercase();
        if let Ok(number) = name.parse::<i32>() {
            return Self::try_from(number);
        }
        let bare = name.strip_prefix("SIG").unwrap_or(&name);
        match names::number_of(bare) {
            Some(number) => Self::try_from(number),
            None => Err(InvalidSignal::new(format!("{text:?}"), Problem::missing())),
        }
    }
}

impl TryFrom<&str> for Signal {
    type Error = InvalidSignal;

    fn try_from(text: &str) -> Result<Self, InvalidSignal> {
        text.parse()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({} = {})", self.name, self.number)
    }
}
