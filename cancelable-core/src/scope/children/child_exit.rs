//! The states of a child or a blocking call from its admission to its exit, and the effect of the exit on the scope.

use super::errors::ChildError;
use crate::cause::Cause;
use crate::error::Cancelled;
use crate::record::Record;
use crate::record::admission::Admission;
use crate::record::blocking_call::BlockingCall;
use crate::report::{ChildFailure, Failure};
use crate::runtime::{JoinError, RuntimeHandle};
use crate::scope::{RunError, Scope};
use crate::sync::{log, panic_text, raw_text};
use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The error of a child, shared by its handle and its scope.
pub(super) type Shared = Arc<dyn Error + Send + Sync>;

/// A child or a blocking call that is listed and not started.
pub(super) struct Admitted {
    pub(super) scope: Scope,
    /// The blocking call; `None` for a child.
    pub(super) call: Option<Arc<BlockingCall>>,
    pub(super) admission: Admission,
    /// The parent's runtime, on which the child runs.
    pub(super) runtime: RuntimeHandle,
    /// True if the cancel of the child may need a poll: of a timer, a source or a watchdog.
    pub(super) needs_polling: bool,
}

/// The guard of a child's task or a blocking call's thread, dropped last. It reports a child that was lost.
pub(super) struct ChildGuard {
    child: Arc<Record>,
    /// True once the exit was reported. A drop before the report means that the runtime has lost the child.
    ended: bool,
    admission: Admission,
}

impl ChildGuard {
    pub(super) fn new(child: Arc<Record>, admission: Admission) -> Self {
        Self {
            child,
            ended: false,
            admission,
        }
    }

    /// Returns ready when the child may begin.
    pub(super) fn poll_begin(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.admission.poll_begin(cx)
    }

    /// Reports the exit of the child: a failure cancels the scope, unless failures are collected.
    pub(super) fn exit<T>(&mut self, result: Result<T, ChildExit>) -> Result<T, ChildError> {
        self.ended = true;
        let child = &*self.child;
        result.map_err(|exit| match exit {
            ChildExit::Cancelled(cancelled) => ChildError::cancelled(child, cancelled),
            ChildExit::Stopped(cancelled, error) => ChildError::stopped(child, cancelled, error),
            ChildExit::Failed(error) => {
                self.fail(Failure::Error(Arc::<_>::clone(&error)));
                ChildError::failed(child, error)
            }
            ChildExit::Panicked(payload) => {
                let error = JoinError::panic(payload);
                self.fail(Failure::Panic(error.text().into()));
                ChildError::joined(child, error)
            }
            ChildExit::Lost(error) => {
                self.fail(Failure::Lost);
                ChildError::joined(child, error)
            }
        })
    }

    fn fail(&self, failure: Failure) {
        let child = &self.child;
        let failure = ChildFailure::new(child.label.clone(), child.location, failure);
        log!(
            Debug,
            operation = &*child.label.shown_name(), id = child.label.id().get(),
            scope = &*self.admission.owner().label.shown_name();
            "{failure}"
        );
        let owner = self.admission.owner();
        if owner.children.fail(&failure) {
            owner.cancel(failure.cause());
        }
    }
}

/// Reports in the drop, because a runtime that shuts down drops its tasks without a poll. The entry in the
/// parent's table is removed after this.
impl Drop for ChildGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.fail(Failure::Lost);
        }
    }
}

/// The end of a child that has no value.
pub(super) enum ChildExit {
    Cancelled(Cancelled),
    /// The child returned an error that holds its cancellation.
    Stopped(Cancelled, Shared),
    Failed(Shared),
    Panicked(Box<dyn Any + Send>),
    /// The runtime has lost the thread of a blocking call.
    Lost(JoinError),
}

impl ChildExit {
    /// Returns the exit of a child whose run ended with `error`.
    pub(super) fn of<E>(error: RunError<E>, share: fn(E) -> Shared) -> Self {
        match error {
            RunError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            RunError::Stopped { error, cancelled } => Self::Stopped(*cancelled, share(error)),
            RunError::Failed(error) => Self::Failed(share(error)),
            RunError::SourceFailed(failed) => Self::Failed(Arc::new(failed)),
            RunError::ChildFailed(failure) => Self::Failed(Arc::new(failure)),
            RunError::AlreadyRun(refused) => Self::Failed(Arc::new(refused)),
            RunError::CleanupFailed(error) => Self::Failed(Arc::new(error)),
            RunError::NotBuilt(error) => Self::Failed(Arc::new(error)),
            RunError::Unfinished(straggler) => {
                let error: RunError = RunError::Unfinished(straggler);
                Self::Failed(Arc::new(error))
            }
        }
    }

    /// Returns the text of the failure.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Cancelled(cancelled) | Self::Stopped(cancelled, _) => cancelled.to_string(),
            Self::Failed(error) => raw_text(&**error),
            Self::Panicked(payload) => format!("panicked: {}", panic_text(payload.as_ref())),
            Self::Lost(error) => error.to_string(),
        }
    }

    /// Returns the exit of a child that was cancelled before it began.
    pub(super) fn before_begin(child: &Record) -> Self {
        let cause = child.cause();
        let cause = cause.unwrap_or_else(|| Cause::new(crate::Reason::Requested));
        Self::Cancelled(child.cancelled_for(cause, None))
    }
}
