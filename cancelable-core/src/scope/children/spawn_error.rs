//! Why a scope did not take a child.

use crate::cause::OperationLabel;
use crate::error::Cancelled;
use crate::operation::Status;
use crate::scope::BuildError;
use crate::sync::SyncWrapper;
use std::error::Error;
use std::fmt;

/// A scope did not take a child or a blocking call. The work that was not started comes back.
pub struct SpawnError<W> {
    why: Refusal,
    work: SyncWrapper<W>,
}

/// The scope, and what kept it from taking a child.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) operation: OperationLabel,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// It is not running: not entered yet, or ended.
    Status(Status),
    /// It is ending: its body and its children have ended.
    Closing,
    Cancelled(Cancelled),
    NoRuntime,
    Build(BuildError),
}

impl<W> SpawnError<W> {
    pub(super) fn new(why: Refusal, work: W) -> Self {
        Self {
            why,
            work: SyncWrapper::new(work),
        }
    }

    /// The scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.why.operation
    }

    /// Whether the scope has ended, or takes nobody in any more because it is about to end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self.why.kind {
            Kind::Status(status) => status.is_closed(),
            Kind::Closing => true,
            _ => false,
        }
    }

    /// Whether the scope has not been entered: children belong to a run.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self.why.kind, Kind::Status(Status::Pending))
    }

    /// Whether the scope is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_some()
    }

    /// The cancellation of the scope, if that is why.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.why.kind {
            Kind::Cancelled(cancelled) => Some(cancelled),
            _ => None,
        }
    }

    /// Whether the scope has no runtime to run a child on.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        matches!(self.why.kind, Kind::NoRuntime)
    }

    /// Why the child could not be built, if that is why.
    #[must_use]
    pub fn build_error(&self) -> Option<&BuildError> {
        match &self.why.kind {
            Kind::Build(error) => Some(error),
            _ => None,
        }
    }

    /// The work that was not started.
    pub fn into_inner(self) -> W {
        self.work.into_inner()
    }
}

impl<W> fmt::Display for SpawnError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { operation, kind } = &self.why;
        write!(f, "scope {operation} took no child: ")?;
        match kind {
            Kind::Status(Status::Pending) => {
                f.write_str("it is not running yet, spawn from inside its run")
            }
            Kind::Status(status) => write!(f, "it has ended ({status})"),
            Kind::Closing => f.write_str("its body and its children have ended"),
            Kind::Cancelled(cancelled) => cancelled.fmt(f),
            Kind::NoRuntime => f.write_str("it has no runtime, build it with one"),
            Kind::Build(error) => error.fmt(f),
        }
    }
}

impl<W> fmt::Debug for SpawnError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpawnError").field(&self.why).finish()
    }
}

impl<W> Error for SpawnError<W> {}
