//! What is still running, printed when the process is sent a signal.

use crate::watch::Plan;
use crate::{Signal, SignalGuard, Step, WatchError};
use cancelable_core::Registry;
use cancelable_core::registry::Dump;
use std::io::{self, Write};

/// Prints [what is open](Registry::dump) in `registry` to the standard error, whenever the process
/// is sent `SIGUSR1`, or `SIGINFO` where there is one (Ctrl+T in a terminal of macOS and BSD).
///
/// It is printed on a thread of its own, so that it also says why a runtime is stuck. As long as the
/// guard lives, `SIGUSR1` does not end the process.
///
/// # Errors
///
/// The system refuses, or has neither signal, as Windows.
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
    let signals = ["SIGUSR1", "SIGINFO"].map(str::parse::<Signal>);
    dump_on_signal_to(registry, signals.into_iter().flatten(), |dump| {
        // There is nobody to be told that it cannot be written.
        let _ = writeln!(io::stderr().lock(), "{dump}");
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
    write: impl Fn(&Dump) + Send + Sync + 'static,
) -> Result<SignalGuard, WatchError> {
    let registry = registry.clone();
    let step = Step::call(move |_| write(&registry.dump()));
    let plan = Plan::Steps {
        steps: vec![step.into_inner()],
        next: 0,
    };
    SignalGuard::new(signals, plan, true)
}
