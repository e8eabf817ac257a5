//! The options of a scope from its builder: for its end, and for its children.

use crate::report::Straggler;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// The options for the time after a cancel. Most scopes set none of them and store no such value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The grace period of the body. `None` and zero mean no grace period.
    pub(crate) grace: Option<Duration>,
    /// The limit on the time of all finalizers together; `None` without a limit.
    pub(crate) cleanup_budget: Option<Duration>,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Options {
    /// Returns the name of an option that requires a runtime, if one is set.
    pub(crate) fn needs_runtime(&self) -> Option<&'static str> {
        if self.has_grace() {
            Some("grace period")
        } else if self.cleanup_budget.is_some() {
            Some("cleanup budget")
        } else if self.watchdog.is_some() {
            Some("watchdog")
        } else {
            None
        }
    }

    /// Returns whether an option is set.
    pub(crate) fn is_set(&self) -> bool {
        // Every option requires a clock.
        self.needs_runtime().is_some()
    }

    /// Returns whether operations inside are to be listed, for reports on stragglers.
    pub(crate) fn watches(&self) -> bool {
        self.has_grace() || self.watchdog.is_some()
    }

    fn has_grace(&self) -> bool {
        self.grace.is_some_and(|grace| !grace.is_zero())
    }
}

/// The options of a scope for its children.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChildOptions {
    /// The limit on children that run at once; `None` is no limit.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// True if failures are collected, and no failure cancels.
    pub(crate) collect_all: bool,
}

impl ChildOptions {
    /// Returns whether an option is set.
    pub(crate) fn is_set(&self) -> bool {
        self.concurrency.is_some() || self.collect_all
    }
}

/// The default options.
pub(super) static NO_CHILD_OPTIONS: ChildOptions = ChildOptions {
    concurrency: None,
    collect_all: false,
};

/// The watchdog of a scope, which reports the stragglers at a time after the cancel.
#[derive(Clone)]
pub(crate) struct Watchdog {
    pub(crate) after: Duration,
    /// The user's hook, called in addition to the log.
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
