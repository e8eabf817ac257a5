//! What may stop the run.

use std::time::Duration;

use cancelable_core::scope::BuildError;
use cancelable_core::{RuntimeHandle, Scope};
use common::Signals;

use crate::cli::Options;

/// For so long a write may take that is under way, or due, when the run is told to stop.
const GRACE: Duration = Duration::from_secs(5);

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
