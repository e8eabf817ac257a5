//! What may stop the run.

use std::time::Duration;

use cancelable_core::scope::BuildError;
use cancelable_core::{RuntimeHandle, Scope};
use common::requests;
use rt::{Escalation, SignalGuard, Step, WatchError};

use crate::cli::Options;

/// For so long a write may take that is under way, or due, when the run is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A scope that stops for the time limit, and then lets the last write end.
pub(crate) fn scope(options: &Options, runtime: &RuntimeHandle) -> Result<Scope, BuildError> {
    let mut scope = Scope::builder("pipeline").runtime(runtime).grace(GRACE);
    if let Some(limit) = options.timeout {
        scope = scope.timeout(limit);
    }
    scope.build()
}

/// Stops the scope for the signals of people, until it is dropped: the first asks, the
/// second ends the grace in which the last write is awaited, and a third does what it does to any
/// program.
pub(crate) fn signals(scope: &Scope) -> Result<SignalGuard, WatchError> {
    Escalation::new(scope.token())
        .signals(requests())
        .second(Step::cancel_now(scope))
        .start()
}
