//! The disposition of a signal: its effect on the process while no watcher of this crate watches it.

use crate::Signal;
use crate::watch;

/// The effect of a signal on the process while no watcher of this crate watches it.
///
/// The disposition is that in force when the signal was first watched. The disposition is in force again when the
/// last watcher of the signal is gone.
///
/// On Linux and Android the disposition is read from the system. Elsewhere no safe interface returns it, and
/// [`Disposition::Default`] is presumed unless the program calls [`Disposition::assume`].
///
/// # Examples
///
/// A program that does not stop at the end of its terminal if it was started by `nohup`:
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Disposition, Signal, cancel_on_signal};
///
/// let hangup: Signal = "SIGHUP".parse()?;
/// let stop = CancellationToken::new();
/// let _guard = match Disposition::of(hangup) {
///     Disposition::Ignored => None,
///     _ => Some(cancel_on_signal(&stop, [hangup])?),
/// };
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Disposition {
    /// The system's default action: for most signals the end of the process.
    Default,
    /// The signal is ignored, as under `nohup` and in a shell's background jobs. Sources do not receive the signal,
    /// unless `even_if_ignored` was called.
    Ignored,
    /// Another part of the program handles the signal, and still does beside this crate.
    Handled,
}

impl Disposition {
    /// Returns the disposition of `signal`.
    #[must_use]
    pub fn of(signal: Signal) -> Self {
        watch::previous(signal)
    }

    /// Sets the disposition of `signal`.
    ///
    /// On systems where the disposition is not read, call this method before the signal is first watched. Call it at
    /// any time with [`Disposition::Handled`] if another handler was installed after the handler of this crate, which
    /// is not detected: this crate then leaves the signal to that handler.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_signals::{Disposition, Signal};
    ///
    /// // A library of the program has installed its own handler for SIGHUP.
    /// let hangup: Signal = "SIGHUP".parse()?;
    /// Disposition::Handled.assume(hangup);
    /// assert_eq!(Disposition::of(hangup), Disposition::Handled);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn assume(self, signal: Signal) {
        watch::assume(signal, self);
    }

    /// Reads the present disposition of `signal` from the system.
    pub(crate) fn read(signal: Signal) -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            return Self::parse(&status, signal.number());
        }
        let _ = signal;
        Self::Default
    }

    /// Parses the two sets of signals in the text of `/proc/self/status`: hexadecimal, the lowest bit for signal 1.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn parse(status: &str, number: i32) -> Self {
        let is_in = |set: &str| {
            let bits = status.lines().find_map(|line| line.strip_prefix(set));
            let bits = bits.and_then(|bits| u128::from_str_radix(bits.trim(), 16).ok());
            bits.is_some_and(|bits| bits >> (number - 1) & 1 == 1)
        };
        match (is_in("SigIgn:"), is_in("SigCgt:")) {
            (true, _) => Self::Ignored,
            (_, true) => Self::Handled,
            _ => Self::Default,
        }
    }
}
