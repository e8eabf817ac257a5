//! The record of one piece of work: what it is called, how it stands, until when it may run.
//!
//! A scope writes the record; an [`Operation`] is a handle that anyone may keep to read it and to
//! ask for the work's cancellation. It lives on after the work has ended.

mod call;
mod chain;
mod child_failure;
mod closing;
mod current;
mod deadline;
mod nursery;
mod record;
mod status;

pub(crate) use call::Call;
pub use child_failure::ChildFailure;
pub(crate) use current::Inside;
pub use current::current;
pub(crate) use deadline::OwnDeadline;
pub(crate) use nursery::{Nursery, Place, Straggling, Terms};
pub(crate) use record::{Opening, Record};
pub use status::Status;

use crate::cause::{Cause, OperationId, OperationLabel, Reason};
use crate::error::Cancelled;
use crate::runtime::RuntimeHandle;
use crate::token::{CancellationToken, WaitForCancellationFuture};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handle to the record of one piece of work. Cloning is one reference count.
///
/// It reads the record and can ask for cancellation. It neither runs the work nor moves its
/// deadline: that is what a [`Scope`](crate::Scope) is for.
#[derive(Clone)]
pub struct Operation {
    record: Arc<Record>,
}

impl Operation {
    pub(crate) fn new(record: Arc<Record>) -> Self {
        Self { record }
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The number and the name.
    #[must_use]
    pub fn label(&self) -> &OperationLabel {
        &self.record.label
    }

    /// The number, which no other operation of this process has.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.record.label.id()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.record.label.name()
    }

    /// What the operation is called that this one is a part of.
    #[must_use]
    pub fn parent(&self) -> Option<&OperationLabel> {
        self.record.parent.as_ref().map(|parent| &parent.label)
    }

    /// Where in the source it was opened.
    #[must_use]
    pub fn opened_at(&self) -> &'static Location<'static> {
        self.record.opened_at
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// The token that cancels it. Its children's tokens are children of this one.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.record.token
    }

    /// The runtime that keeps its time, if it was given one.
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.record.runtime.as_ref()
    }

    /// Why cancellation was asked for, if it was, whatever came of it.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.record.token.cause()
    }

    /// Whether cancellation was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.record.token.is_cancelled()
    }

    /// Fails once cancellation was asked for, and from then on every time. It also looks at the
    /// clock, so work that never yields notices its deadline here.
    ///
    /// # Errors
    ///
    /// The cause of the cancellation.
    pub fn check(&self) -> Result<(), Cancelled> {
        if !self.is_cancelled() {
            self.record.expire_if_due();
        }
        match self.cause() {
            None => Ok(()),
            Some(cause) => Err(Cancelled::new(cause).of(self.label().clone(), self.elapsed())),
        }
    }

    /// Completes when cancellation is asked for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it unregisters it, nothing else.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.record.token.cancelled()
    }

    /// Asks for cancellation; true for the one call that was first.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.cancel_with(Cause::new(Reason::Requested))
    }

    /// Asks for cancellation and says why; true for the one call that was first.
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        self.record.cancel(cause.into())
    }

    /// When it must end: the earliest of its own deadline and those of everything it is a part of.
    ///
    /// A timeout counts from entry, so one of its own is no deadline before that.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.record.deadline()
    }

    /// How much time is left until [`deadline`](Self::deadline), zero if it has passed; `None` if
    /// there is no deadline. Before entry its own timeout counts as if it were entered now.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.record.remaining()
    }

    /// When it was entered, if it was and has a runtime to tell the time.
    #[must_use]
    pub fn started_at(&self) -> Option<Instant> {
        self.record.started_at()
    }

    /// When it ended, if it has and has a runtime to tell the time.
    #[must_use]
    pub fn ended_at(&self) -> Option<Instant> {
        self.record.ended_at()
    }

    /// How long it has run, up to its end if it has ended. `None` if it was never entered or has no
    /// runtime to tell the time.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.record.elapsed()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("parent", &self.parent().map(OperationLabel::name))
            .field("status", &self.status())
            .field("cancelled", &self.is_cancelled())
            .field("opened_at", &format_args!("{}", self.opened_at()))
            .finish()
    }
}
