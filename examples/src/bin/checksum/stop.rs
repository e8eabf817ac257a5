//! The sources that stop the job.

use std::error::Error;
use std::time::Duration;

use cancelable_core::source::condition_blocking;
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use common::{requests, shown};
use rt::{Escalation, SignalGuard, Step};

use crate::cli::Options;

/// The interval of the checks for the stop file.
const INTERVAL: Duration = Duration::from_millis(50);

/// The signals: the first requests a stop, the second ends the wait for it, and the third has its
/// default action.
#[derive(Debug)]
pub(crate) struct Signals {
    ask: CancellationToken,
    pub(crate) insist: CancellationToken,
    _guard: SignalGuard,
}

impl Signals {
    /// Watches the signals until it is dropped.
    pub(crate) fn watch() -> Result<Self, rt::WatchError> {
        let (ask, insist) = (CancellationToken::new(), CancellationToken::new());
        let guard = Escalation::new(&ask)
            .signals(requests())
            .second(Step::cancel(&insist))
            .start()?;
        Ok(Self {
            ask,
            insist,
            _guard: guard,
        })
    }
}

/// Builds a scope that the first of the signals, the time limit and the stop file stops.
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
