//! What may stop the job.

use std::error::Error;
use std::time::Duration;

use cancelable_core::source::condition_blocking;
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use common::{requests, shown};
use rt::{Escalation, SignalGuard, Step};

use crate::cli::Options;

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
    /// Watches them until it is dropped.
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
