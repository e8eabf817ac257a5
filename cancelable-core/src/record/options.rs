//! What a scope says about its end when it is built: how long its body may go on after a cancel,
//! how long its finalizers may take, and from when on someone is told that it has not stopped.

use crate::report::Straggler;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What happens after a cancel. Most scopes say nothing of it and keep none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// How long the body may go on; zero is not at all.
    pub(crate) grace: Duration,
    /// How long all finalizers together may take; none is for as long as they take.
    pub(crate) cleanup_budget: Option<Duration>,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Policy {
    /// What of it cannot do without a runtime.
    pub(crate) fn needs_runtime(&self) -> Option<&'static str> {
        if !self.grace.is_zero() {
            Some("grace period")
        } else if self.cleanup_budget.is_some() {
            Some("cleanup budget")
        } else if self.watchdog.is_some() {
            Some("watchdog")
        } else {
            None
        }
    }

    /// Whether it says anything.
    pub(crate) fn is_set(&self) -> bool {
        // Everything in it needs a clock.
        self.needs_runtime().is_some()
    }

    /// Whether what runs below is to be listed, for reports on what has not stopped.
    pub(crate) fn watches(&self) -> bool {
        !self.grace.is_zero() || self.watchdog.is_some()
    }
}

/// Reports what has not ended within a time after the cancel.
#[derive(Clone)]
pub(crate) struct Watchdog {
    pub(crate) after: Duration,
    /// What is told beside the log.
    pub(crate) hook: Option<Hook>,
}

pub(crate) type Hook = Arc<dyn Fn(&[Straggler]) + Send + Sync>;

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
