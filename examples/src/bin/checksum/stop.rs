//! What may stop the job, and the exit code that tells a script what did.

use std::error::Error;
use std::time::Duration;

use cancelable_core::source::condition_blocking;
use cancelable_core::{CancellationToken, Cause, Reason, RuntimeHandle, Scope};
use rt::{Escalation, SignalGuard, Step};

use crate::cli::Options;
use crate::line::shown;

/// How often to look for the stop file.
const INTERVAL: Duration = Duration::from_millis(50);

/// The signals: the first asks, the second insists, and a third does what it does to any program.
#[derive(Debug)]
pub(crate) struct Signals {
    ask: CancellationToken,
    pub(crate) insist: CancellationToken,
    _guard: SignalGuard,
}

impl Signals {
    /// Watches SIGINT and, where there is one, SIGTERM, until it is dropped.
    pub(crate) fn watch() -> Result<Self, rt::WatchError> {
        let (ask, insist) = (CancellationToken::new(), CancellationToken::new());
        let guard = Escalation::new(&ask)
            .second(Step::cancel(&insist))
            .start()?;
        Ok(Self {
            ask,
            insist,
            _guard: guard,
        })
    }
}

/// A scope that stops for the signals, the time limit and the stop file, whichever is first.
pub(crate) fn scope(
    options: &Options,
    runtime: &RuntimeHandle,
    signals: &Signals,
) -> Result<Scope, Box<dyn Error>> {
    let mut scope = Scope::builder("checksum")
        .runtime(runtime)
        .token(&signals.ask);
    if let Some(limit) = options.timeout {
        scope = scope.timeout(limit);
    }
    if let Some(path) = options.stop_file.clone() {
        let name = format!("{} exists", shown(&path));
        scope = scope.source(condition_blocking(INTERVAL, move || path.try_exists())?.named(name));
    }
    Ok(scope.build()?)
}

/// The exit code of a job that was stopped: timeout(1)'s for a time limit, the shells' for a signal.
pub(crate) fn exit_code(cause: &Cause) -> u8 {
    match cause.reason() {
        Reason::TimedOut { .. } | Reason::DeadlineReached => 124,
        Reason::Signal { number, .. } => u8::try_from(128 + number).unwrap_or(1),
        // EX_TEMPFAIL of sysexits.h: not done, and can be done later.
        Reason::Condition => 75,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_can_tell_what_stopped_the_job() {
        let limit = Duration::from_secs(1);
        for (reason, code) in [
            (Reason::TimedOut { limit }, 124),
            (Reason::DeadlineReached, 124),
            (
                Reason::Signal {
                    number: 2,
                    name: "SIGINT",
                },
                130,
            ),
            (
                Reason::Signal {
                    number: 15,
                    name: "SIGTERM",
                },
                143,
            ),
            (Reason::Condition, 75),
            (Reason::Requested, 1),
        ] {
            assert_eq!(exit_code(&Cause::new(reason.clone())), code, "{reason:?}");
        }
    }
}
