//! A child's or a blocking call's place in its scope, and what its end means for the others.

use crate::cause::Cause;
use crate::error::Cancelled;
use crate::operation::{ChildFailure, Place, Record};
use crate::runtime::JoinError;
use crate::scope::ChildError;
use crate::scope::RunError;
use crate::sync::{log, panic_text, raw_text};
use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An error of a child, shared by its handle and its scope.
pub(super) type Shared = Arc<dyn Error + Send + Sync>;

/// Held by the task of a member until all of it is gone.
pub(super) struct Membership {
    member: Arc<Record>,
    /// Until it has ended, its end by a drop is a loss.
    ended: bool,
    place: Place,
}

impl Membership {
    pub(super) fn new(member: Arc<Record>, place: Place) -> Self {
        Self {
            member,
            ended: false,
            place,
        }
    }

    /// Ready when the member may begin.
    pub(super) fn poll_begin(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.place.poll_begin(cx)
    }

    /// Takes the end of the member: a failure cancels the scope, unless failures are collected.
    pub(super) fn end<T>(&mut self, result: Result<T, End>) -> Result<T, ChildError> {
        self.ended = true;
        let member = &*self.member;
        result.map_err(|end| match end {
            End::Cancelled(cancelled) => ChildError::cancelled(member, cancelled),
            End::Stopped(cancelled, error) => ChildError::stopped(member, cancelled, error),
            End::Failed(error) => {
                let label = member.label.clone();
                let shared = Arc::clone(&error);
                self.fail(&ChildFailure::error(label, member.opened_at, shared));
                ChildError::failed(member, error)
            }
            End::Panicked(payload) => {
                let error = JoinError::panic(payload);
                let (label, opened_at) = (member.label.clone(), member.opened_at);
                self.fail(&ChildFailure::panic(label, opened_at, error.text()));
                ChildError::joined(member, error)
            }
        })
    }

    fn fail(&self, failure: &ChildFailure) {
        log!(
            Debug,
            operation = &*self.member.label.shown_name(), id = self.member.label.id().get(),
            scope = &*self.place.owner().label.shown_name();
            "{failure}"
        );
        let owner = self.place.owner();
        if owner.nursery.fail(failure) {
            owner.cancel(failure.cause());
        }
    }
}

/// A drop, because a runtime that goes away just drops its tasks. The place is left after this.
impl Drop for Membership {
    fn drop(&mut self) {
        if !self.ended {
            self.fail(&ChildFailure::lost(
                self.member.label.clone(),
                self.member.opened_at,
            ));
        }
    }
}

/// How a member ended without a value.
pub(super) enum End {
    Cancelled(Cancelled),
    /// By an error that says that it was cancelled.
    Stopped(Cancelled, Shared),
    Failed(Shared),
    Panicked(Box<dyn Any + Send>),
}

impl End {
    /// The end of a child's own run.
    pub(super) fn of<E>(error: RunError<E>, share: fn(E) -> Shared) -> Self {
        match error {
            RunError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            RunError::Stopped { error, cancelled } => Self::Stopped(*cancelled, share(error)),
            RunError::Failed(error) => Self::Failed(share(error)),
            RunError::SourceFailed(failed) => Self::Failed(Arc::new(failed)),
            RunError::ChildFailed(failure) => Self::Failed(Arc::new(failure)),
            RunError::Refused(refused) => Self::Failed(Arc::new(refused)),
            RunError::CleanupFailed(error) => Self::Failed(Arc::new(error)),
            RunError::NotBuilt(error) => Self::Failed(Arc::new(error)),
            RunError::Unfinished(straggler) => {
                let error: RunError = RunError::Unfinished(straggler);
                Self::Failed(Arc::new(error))
            }
        }
    }

    /// Why the member failed, in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Cancelled(cancelled) | Self::Stopped(cancelled, _) => cancelled.to_string(),
            Self::Failed(error) => raw_text(&**error),
            Self::Panicked(payload) => format!("panicked: {}", panic_text(payload.as_ref())),
        }
    }

    /// The end of a member that was cancelled before it began.
    pub(super) fn before_begin(member: &Record) -> Self {
        let cause = member.cause();
        let cause = cause.unwrap_or_else(|| Cause::new(crate::Reason::Requested));
        Self::Cancelled(member.cancelled_for(cause, None))
    }
}
