//! The sources that stop the run.

use std::time::Duration;

use cancelable_core::scope::BuildError;
use cancelable_core::{RuntimeHandle, Scope};
use common::requests;
use rt::{Escalation, SignalGuard, Step, WatchError};

use crate::cli::Options;

/// The limit on a write that is running or due when the run is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// Builds a scope that the time limit stops, with a grace period for the last write.
pub(crate) fn scope(options: &Options, runtime: &RuntimeHandle) -> Result<Scope, BuildError> {
    let mut scope = Scope::builder("pipeline").runtime(runtime).grace(GRACE);
    if let Some(limit) = options.timeout {
        scope = scope.timeout(limit);
    }
    scope.build()
}

/// Stops the scope for the signals of users, until it is dropped: the first requests a stop, the
/// second ends the grace period of the last write, and the third has its default action.
pub(crate) fn signals(scope: &Scope) -> Result<SignalGuard, WatchError> {
    Escalation::new(scope.token())
        .signals(requests())
        .second(Step::cancel_now(scope))
        .start()
}
