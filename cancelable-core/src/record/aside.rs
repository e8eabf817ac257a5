//! What few operations have, kept beside the record so that the others do not carry it.
//!
//! It lies under the lock of its record, and the same holds for it: nothing of a user's runs there.
//! What may run such code when it is dropped is moved out first.

use super::Record;
use super::child_reports::Below;
use super::finalizer::Finalizer;
use super::handles::Deferrals;
use super::hold::Holds;
use super::turn::Turn;
use crate::cause::OperationId;
use crate::report::CleanupError;
use crate::report::Report;
use crate::report::Straggler;
use crate::sync::{Latch, NumberMap};
use crate::token::{CallbackRegistration, CancellationToken};
use std::borrow::Cow;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Aside {
    /// What keeps its body from being dropped by a cancel, in the order in which it came.
    pub(crate) holds: Holds,
    /// What was deferred and not begun; the last one is next.
    pub(crate) finalizers: Vec<Finalizer>,
    pub(crate) deferrals: Deferrals,
    /// The finalizer that runs now.
    pub(crate) finalizing: Option<Finalizing>,
    pub(crate) cleanup_errors: Vec<CleanupError>,
    /// What was dropped at the end of its time.
    pub(crate) stragglers: Vec<Straggler>,
    /// The operations of which one of them is the body: that is reported once.
    pub(crate) straggling: NumberMap<OperationId, ()>,
    /// When it was cancelled, by the clock of its own runtime: a cause may come from elsewhere.
    pub(crate) stopping_since: Option<Instant>,
    pub(crate) polled: Option<Instant>,
    pub(crate) checked: Option<Instant>,
    /// Cancelled when the window of grace is to end at once; a child of the one above.
    pub(crate) hard: Option<CancellationToken>,
    /// The runs that are a part of it, and that its body does not poll.
    pub(crate) away: NumberMap<OperationId, Arc<Turn>>,
    /// What cancels it with the operation above, once the shield that it was opened in has ended.
    pub(crate) bound: Option<CallbackRegistration>,
    /// The operations that run directly below, if this one watches them.
    pub(crate) inside: NumberMap<OperationId, Weak<Record>>,
    /// Set when the operation is settled, for those who wait for that.
    pub(crate) settled: Option<Arc<Latch>>,
    /// As a spawned child that has ended: what its handle says of it, until somebody takes it.
    pub(crate) report: Option<Box<Report>>,
    /// What came from below, for the report of this operation.
    pub(crate) below: Vec<Below>,
    /// A source has cancelled it, on a thread of its own.
    pub(super) was_decided: bool,
    /// The body has ended; what goes on are children and finalizers.
    pub(crate) body_over: bool,
}

/// A finalizer that runs, for reports.
#[derive(Clone)]
pub(crate) struct Finalizing {
    pub(crate) name: Cow<'static, str>,
    pub(crate) deferred_at: &'static Location<'static>,
    pub(crate) polled: Option<Instant>,
}

impl Record {
    /// Acts on what lies beside the record, which is made if there is nothing.
    pub(crate) fn with_aside<T>(&self, act: impl FnOnce(&mut Aside) -> T) -> T {
        act(self.inner.lock().aside.get_or_insert_default())
    }

    /// Acts on what lies beside the record, if there is something.
    pub(crate) fn on_aside<T>(&self, act: impl FnOnce(&mut Aside) -> T) -> Option<T> {
        Some(act(self.inner.lock().aside.as_mut()?))
    }
}
