//! A dump of what is still running, printed when the process is sent a signal.

use crate::watch::Plan;
use crate::{Signal, SignalGuard, Step, WatchError};
use cancelable_core::Registry;
use std::io::{self, Write};
use std::time::Duration;

/// Prints [what is open](Registry::dump) in `registry` to the standard error, whenever the process
/// is sent `SIGUSR1`, or `SIGINFO` where there is one (Ctrl+T in a terminal of macOS and BSD).
///
/// It is printed on a thread of its own, so that it also says why a runtime is stuck. As long as the
/// guard lives, `SIGUSR1` does not end the process.
///
/// Each signal has its dump, however soon it comes after another; those that come while a dump is
/// written share the next one.
///
/// # Errors
///
/// The system refuses, or has neither signal, as Windows:
/// [`is_unsupported`](WatchError::is_unsupported).
///
/// # Examples
///
/// ```no_run
/// use cancelable_core::Registry;
/// use cancelable_signals::dump_on_signal;
///
/// dump_on_signal(Registry::global())?.detach();
/// // Now `kill -USR1` shows what is running.
/// # Ok::<(), cancelable_signals::WatchError>(())
/// ```
pub fn dump_on_signal(registry: &Registry) -> Result<SignalGuard, WatchError> {
    print_at(registry, &["SIGUSR1", "SIGINFO"])
}

/// [`dump_on_signal`] at those of the signals that the system has.
fn print_at(registry: &Registry, names: &[&str]) -> Result<SignalGuard, WatchError> {
    let signals = names.iter().flat_map(|name| name.parse::<Signal>());
    let signals: Vec<_> = signals.collect();
    if signals.is_empty() {
        return Err(WatchError::unsupported(format!(
            "a dump is printed at {}, which this system does not have; name another by `dump_on_signal_to`",
            names.join(" or ")
        )));
    }
    dump_on_signal_to(registry, signals, |dump| {
        // There is nobody to be told that it cannot be written.
        let _ = write!(io::stderr().lock(), "{dump}");
    })
}

/// [`dump_on_signal`] at any of `signals`, which hands the dump to `write`. A panic of that is
/// logged and goes no further.
///
/// # Errors
///
/// `signals` is empty, or the system refuses.
pub fn dump_on_signal_to(
    registry: &Registry,
    signals: impl IntoIterator<Item = Signal>,
    write: impl Fn(&str) + Send + Sync + 'static,
) -> Result<SignalGuard, WatchError> {
    let registry = registry.clone();
    let step = Step::call(move |_| write(&registry.dump()));
    let plan = Plan::Steps {
        steps: vec![step.into_inner()],
        next: 0,
    };
    SignalGuard::new(signals, plan, true, Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::print_at;
    use cancelable_core::Registry;

    #[test]
    fn r35_a_system_without_the_signal_of_the_dump_says_so() {
        let error = print_at(&Registry::new(), &["SIGFOO", "SIGBAR"]).unwrap_err();
        assert!(error.is_unsupported() && !error.is_empty());
        assert_eq!(error.signal(), None);
        assert_eq!(
            error.to_string(),
            "a dump is printed at SIGFOO or SIGBAR, which this system does not have; name another by \
             `dump_on_signal_to`"
        );
    }
}
