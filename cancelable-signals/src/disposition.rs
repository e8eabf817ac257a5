//! The disposition of a signal: what the process does with it where nobody here watches it.

use crate::Signal;
use crate::watch;

/// What a signal does to the process while no source of this crate watches it.
///
/// It is what was in force when the signal was first watched, and it is in force again when the
/// last source for it has gone.
///
/// This crate reads it from the system on Linux and Android. Elsewhere no safe interface tells,
/// and [`Disposition::Default`] is presumed; a program that knows better says so with
/// [`Disposition::assume`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Disposition {
    /// The system's default action: for most signals the end of the process.
    Default,
    /// The signal is ignored, as `nohup` and a shell's background jobs have it. Sources do not
    /// receive it, unless they were told to.
    Ignored,
    /// Another part of the program handles it, and goes on doing so beside this crate.
    Handled,
}

impl Disposition {
    /// What `signal` does to the process while no source watches it.
    #[must_use]
    pub fn of(signal: Signal) -> Self {
        watch::previous(signal)
    }

    /// Lays down what `signal` does to the process while no source watches it.
    ///
    /// To be called before the signal is first watched where the system cannot be asked
    /// ([`Disposition`] says where), or at any time with [`Disposition::Handled`] when another
    /// handler was installed after this crate's, which this crate cannot see: it then leaves the
    /// signal to that one.
    pub fn assume(self, signal: Signal) {
        watch::assume(signal, self);
    }

    /// What the system says is in force for `signal` at this moment.
    pub(crate) fn read(signal: Signal) -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            return Self::parse(&status, signal.number());
        }
        let _ = signal;
        Self::Default
    }

    /// Reads the two sets of signals in the text of `/proc/self/status`: hexadecimal, the lowest
    /// bit for signal 1.
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
