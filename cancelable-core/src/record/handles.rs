//! The handles of a scope, which keep its operation open while that has not been run.
//!
//! The last of them to go closes an operation that was never run. What was deferred may hold a handle, and is
//! held by the record, so that handle would never go. Which handles lie in it cannot be known. So where something
//! was deferred before the run, the clones that were there before that count no longer by themselves: the handle
//! that `build` gave and those of runs do, and the clones that were made later, which cannot lie in it. Once none
//! of these is left the operation ends as never run, whatever other handles there are.
//!
//! Nothing of this counts once the operation is not pending any more: a status never goes back to that, so a number
//! that was left alone is never read.

use super::Record;
use super::handle_count::HandleKind;
use crate::report::Status;

/// Counts a clone.
pub(crate) fn add_clone(record: &Record) -> HandleKind {
    if record.status() != Status::Pending {
        return HandleKind::Clone(0);
    }
    record.handles.add();
    // A thread that does not know of the deferral has no handle that was made after it.
    if !record.has_deferred() {
        return HandleKind::Clone(0);
    }
    record.with_rare(|rare| rare.deferrals.add_clone())
}

/// Counts the handle of a run.
pub(crate) fn add_lasting(record: &Record) -> HandleKind {
    if record.status() == Status::Pending {
        record.handles.add_lasting();
    }
    HandleKind::Lasting
}

/// Counts a handle no longer. True if nothing keeps the operation open any more.
pub(crate) fn remove(record: &Record, kind: HandleKind) -> bool {
    if record.status() != Status::Pending {
        return false;
    }
    let (is_last, lasting) = record.handles.remove(kind);
    let is_deserted = || record.with_rare(|rare| rare.deferrals.remove(kind, lasting));
    is_last || (record.has_deferred() && is_deserted())
}
