//! The visible behaviour of a case, in the same words for the library and for the model.

use cancelable_core::operation::Status;

/// The reason of the cancel of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) reason: &'static str,
    /// The number of the cancel, where it was one of the case.
    pub(crate) number: Option<String>,
    /// The name of the operation that it is put down to.
    pub(crate) operation: Option<String>,
    pub(crate) at: u64,
    pub(crate) is_inherited: bool,
}

/// The end of a child, a call or a run, as its waiter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Value,
    /// A value that came too late: a child had failed.
    Late,
    Error,
    Cancelled,
    ChildFailed,
    Panic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Error,
    Panic,
    OverBudget,
}

/// The output of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) how: How,
    pub(crate) status: Status,
    pub(crate) why: Option<Why>,
    /// The ids of the children that failed.
    pub(crate) failed: Vec<String>,
    /// The failures of finalizers, by their ids.
    pub(crate) trouble: Vec<(String, Trouble)>,
    /// The body was dropped at the end of its grace, and said to be.
    pub(crate) is_straggler: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Began,
    Slept,
    Checked {
        is_cancelled: bool,
    },
    /// A shield ended, by its limit or because its future was ready.
    Shielded {
        in_time: bool,
    },
    Deferred {
        finalizer: usize,
    },
    /// A cancel was asked for; whether it was the first is known if the target was open.
    Asked {
        first: Option<bool>,
    },
    Moved {
        done: bool,
    },
    Spawned {
        child: usize,
        done: bool,
    },
    Joined {
        child: usize,
        how: How,
    },
    /// None if the run was dropped.
    Ran(usize, Option<Ran>),
    Abandoned(usize),
    /// The body is over: it came to its own end, or was dropped before.
    BodyOver {
        at_its_end: bool,
    },
    FinalizerBegan(usize),
    FinalizerSlept(usize),
    FinalizerOver {
        finalizer: usize,
        at_its_end: bool,
    },
}

/// The events in a scope, in order, each with its time.
pub(crate) type Log = Vec<(u64, What)>;

/// The final state of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) status: Status,
    pub(crate) started: Option<u64>,
    pub(crate) ended: Option<u64>,
    /// The time at which the waiters for its end are notified; none without a waiter.
    pub(crate) closed: Option<u64>,
    pub(crate) why: Option<Why>,
}

/// All that is seen of a case; none for a scope that was never opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) logs: Vec<Log>,
    pub(crate) last: Vec<Option<Last>>,
}
