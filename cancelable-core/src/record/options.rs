//! The options of a scope that its builder has fixed: for its end, and for its children.

use crate::report::Straggler;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// The options for what happens after a cancel. Most scopes set none of them and keep no such value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The time that the body may go on; zero is not at all.
    pub(crate) grace: Duration,
    /// The time that all finalizers together may take; `None` is without a limit.
    pub(crate) cleanup_budget: Option<Duration>,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Options {
    /// The option that cannot do without a runtime, if there is one.
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

/// The options of a scope for its children.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChildOptions {
    /// The number of children that run at once; `None` is any number.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Failures are collected, and none of them cancels.
    pub(crate) collect_all: bool,
    /// The time that a blocking call is waited for after its cancel; `None` is for ever.
    pub(crate) abandon_after: Option<Duration>,
}

impl ChildOptions {
    /// Whether anything is set.
    pub(crate) fn is_set(&self) -> bool {
        self.concurrency.is_some() || self.collect_all || self.abandon_after.is_some()
    }
}

/// The options of a scope that sets none.
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
