//! What may stop the run, and the exit code that tells a script what did.

use std::time::Duration;

use cancelable_core::scope::BuildError;
use cancelable_core::{CancellationToken, Cause, Reason, RuntimeHandle, Scope};
use rt::{Escalation, SignalGuard, Step};

use crate::cli::Options;

/// For so long a write may take that is under way, or due, when the run is told to stop.
const GRACE: Duration = Duration::from_secs(5);

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

/// A scope that stops for the signals and the time limit, and then lets the last write end.
pub(crate) fn scope(
    options: &Options,
    runtime: &RuntimeHandle,
    signals: &Signals,
) -> Result<Scope, BuildError> {
    let mut scope = Scope::builder("pipeline")
        .runtime(runtime)
        .token(&signals.ask)
        .grace(GRACE);
    if let Some(limit) = options.timeout {
        scope = scope.timeout(limit);
    }
    scope.build()
}

/// The exit code of a run that was stopped: timeout(1)'s for a time limit, the shells' for a signal.
pub(crate) fn exit_code(cause: &Cause) -> u8 {
    match cause.reason() {
        Reason::TimedOut { .. } | Reason::DeadlineReached => 124,
        Reason::Signal { number, .. } => u8::try_from(128 + number).unwrap_or(1),
        _ => 1,
    }
}
