//! Handles and errors are unwind safe, as a test framework and a worker pool require.

use cancelable_core::cause::{OperationId, OperationLabel};
use cancelable_core::error::{InvalidArgument, Rejected};
use cancelable_core::operation::{
    ChildFailure, CleanupError, OperationSnapshot, PartialSnapshot, Progress, ProgressSnapshot,
    Straggler, WeakOperation,
};
use cancelable_core::registry::{CancelResult, Event, Filter, HooksGuard, Statistics};
use cancelable_core::runtime::{JoinError, NoRuntime};
use cancelable_core::scope::{BuildError, ChildError, RunError, ScopeHold, SourceFailed};
use cancelable_core::source::SourceError;
use cancelable_core::token::{CallbackRegistration, DropGuard, WeakCancellationToken};
use cancelable_core::{
    CancellationToken, Cancelled, Cause, Operation, Outcome, Reason, Registry, RuntimeHandle,
    Scope, Status,
};
use std::panic::{RefUnwindSafe, UnwindSafe};

fn passes<T: UnwindSafe + RefUnwindSafe>() {}

macro_rules! pass {
    ($($name:ty),* $(,)?) => { $(passes::<$name>();)* };
}

#[test]
fn r09_handles_and_errors_are_whole_after_a_panic_and_say_so() {
    pass!(
        CancellationToken,
        WeakCancellationToken,
        DropGuard,
        CallbackRegistration
    );
    pass!(
        Scope,
        ScopeHold,
        Operation,
        WeakOperation,
        Progress,
        Registry,
        RuntimeHandle,
        HooksGuard
    );
    pass!(
        Cause,
        Reason,
        OperationId,
        OperationLabel,
        Status,
        Cancelled,
        CancelResult
    );
    pass!(
        Outcome<u32>,
        OperationSnapshot,
        PartialSnapshot,
        ProgressSnapshot,
        Straggler
    );
    pass!(Statistics, Event, Filter);
    pass!(
        BuildError,
        ChildError,
        ChildFailure,
        CleanupError,
        InvalidArgument,
        JoinError,
        NoRuntime,
        Rejected,
        Rejected<fn()>,
        RunError,
        SourceError,
        SourceFailed,
    );
}
