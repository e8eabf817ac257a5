//! The options of a scope that its builder has fixed: for its end, and for its children.

use crate::report::Straggler;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// What happens after a cancel. Most scopes set nothing of it and keep none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// How long the body may go on; zero is not at all.
    pub(crate) grace: Duration,
    /// How long all finalizers together may take; none is for as long as they take.
    pub(crate) cleanup_budget: Option<Duration>,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Options {
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

    /// Whether anything is set.
    pub(crate) fn is_set(&self) -> bool {
        // Everything in it needs a clock.
        self.needs_runtime().is_some()
    }

    /// Whether what runs below is to be listed, for reports on what has not stopped.
    pub(crate) fn watches(&self) -> bool {
        !self.grace.is_zero() || self.watchdog.is_some()
    }
}

/// What a scope fixes about its children.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChildOptions {
    /// How many children run at once; none is any number.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Failures are collected, and none of them cancels.
    pub(crate) collect_all: bool,
    /// How long after its cancel a blocking call is waited for; none is for ever.
    pub(crate) abandon_after: Option<Duration>,
}

impl ChildOptions {
    /// Whether anything is set.
    pub(crate) fn is_set(&self) -> bool {
        self.concurrency.is_some() || self.collect_all || self.abandon_after.is_some()
    }
}

/// What holds where a scope sets nothing.
pub(super) static NO_CHILD_OPTIONS: ChildOptions = ChildOptions {
    concurrency: None,
    collect_all: false,
    abandon_after: None,
};

/// Reports what has not ended within a time after the cancel.
#[derive(Clone)]
pub(crate) struct Watchdog {
    pub(crate) after: Duration,
    /// Called beside the log.
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
