//! A dump of the open operations, printed at a signal.

use crate::watch::Plan;
use crate::{Signal, SignalGuard, Step, WatchError};
use cancelable_core::Registry;
use std::io::{self, Write};
use std::time::Duration;

/// Prints the [open operations](Registry::dump) of `registry` to the standard error, whenever the process receives
/// `SIGUSR1`, or `SIGINFO` on systems that have it (Ctrl+T in a terminal of macOS and BSD).
///
/// A separate thread prints the dump, so it also shows why a runtime is stuck. As long as the guard lives, `SIGUSR1`
/// does not end the process.
///
/// Each signal has its dump, however soon it comes after another. Signals that come while a dump is written share the
/// next dump.
///
/// # Errors
///
/// The system refuses, or it has neither signal, as Windows: [`is_unsupported`](WatchError::is_unsupported).
///
/// # Examples
///
/// ```no_run
/// use cancelable_core::Registry;
/// use cancelable_signals::dump_on_signal;
///
/// dump_on_signal(Registry::global())?.detach();
/// // Now `kill -USR1` prints the open operations.
/// # Ok::<(), cancelable_signals::WatchError>(())
/// ```
pub fn dump_on_signal(registry: &Registry) -> Result<SignalGuard, WatchError> {
    print_at(registry, &["SIGUSR1", "SIGINFO"])
}

/// Dumps at the named signals that the system has, as [`dump_on_signal`] does.
fn print_at(registry: &Registry, names: &[&str]) -> Result<SignalGuard, WatchError> {
    let signals = names.iter().flat_map(|name| name.parse::<Signal>());
    let signals: Vec<_> = signals.collect();
    if signals.is_empty() {
        return Err(WatchError::unsupported(format!(
            "a dump is printed at {}, which this system does not have; give another signal to `dump_on_signal_to`",
            names.join(" or ")
        )));
    }
    dump_on_signal_to(registry, signals, |dump| {
        // An error of standard error cannot be reported.
        let _ = write!(io::stderr().lock(), "{dump}");
    })
}

/// Passes a dump to `write` at any of `signals`, as [`dump_on_signal`] prints it. A panic of `write` is logged and
/// contained.
///
/// # Errors
///
/// `signals` is empty, or the system refuses.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_core::Registry;
/// use cancelable_signals::dump_on_signal_to;
///
/// let quit = "SIGQUIT".parse()?;
/// let guard = dump_on_signal_to(Registry::global(), [quit], |dump| log::info!("{dump}"))?;
/// # drop(guard);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
            "a dump is printed at SIGFOO or SIGBAR, which this system does not have; give another \
             signal to `dump_on_signal_to`"
        );
    }
}
