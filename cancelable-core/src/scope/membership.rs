//! A child's or a blocking call's place in its scope, and what its end means for the others.

use super::ChildError;
use super::RunError;
use crate::cause::Cause;
use crate::error::Cancelled;
use crate::operation::{ChildFailure, Place, Record};
use crate::runtime::JoinError;
use crate::sync::{isolate, panic_text, say, words_of};
use std::any::Any;
use std::error::Error;
use std::io;
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
            End::Failed(error) => match stopped_by(member, &*error) {
                Some(cancelled) => ChildError::cancelled(member, cancelled),
                None => {
                    let label = member.label.clone();
                    let shared = Arc::clone(&error);
                    self.fail(&ChildFailure::error(label, member.opened_at, shared));
                    ChildError::failed(member, error)
                }
            },
            End::Panicked(payload) => {
                let error = JoinError::panic(payload);
                let (label, opened_at) = (member.label.clone(), member.opened_at);
                self.fail(&ChildFailure::panic(label, opened_at, error.text()));
                ChildError::joined(member, error)
            }
        })
    }

    fn fail(&self, failure: &ChildFailure) {
        say!(
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

/// The cancellation, if `error` is what a member returns that looked at its token: it stopped for
/// the cancel and did not fail.
pub(super) fn stopped_by(member: &Record, error: &(dyn Error + 'static)) -> Option<Cancelled> {
    if !member.is_cancelled() {
        return None;
    }
    let mut found = None;
    // What an error says of its source is a user's code.
    isolate("the source of an error", || found = cancellation_in(error));
    found
}

/// How many errors of a chain are looked at. One may give itself as its source, or one that leads back.
const LINKS: usize = 128;

fn cancellation_in(error: &(dyn Error + 'static)) -> Option<Cancelled> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.take(LINKS).find_map(|error| {
        // An `io::Error` leaves the error inside it out of its chain.
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let inside = inside.and_then(|inside| inside.downcast_ref::<Cancelled>());
        inside
            .or_else(|| error.downcast_ref::<Cancelled>())
            .cloned()
    })
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
    Failed(Shared),
    Panicked(Box<dyn Any + Send>),
}

impl End {
    /// The end of a child's own run.
    pub(super) fn of<E>(error: RunError<E>, share: fn(E) -> Shared) -> Self {
        match error {
            RunError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            RunError::Failed(error) => Self::Failed(share(error)),
            RunError::SourceFailed(failed) => Self::Failed(Arc::new(failed)),
            RunError::ChildFailed(failure) => Self::Failed(Arc::new(failure)),
            RunError::Refused(refused) => Self::Failed(Arc::new(refused)),
            RunError::CleanupFailed(error) => Self::Failed(Arc::new(error)),
            RunError::NotBuilt(error) => Self::Failed(Arc::new(error)),
        }
    }

    /// Why the member failed, in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Cancelled(cancelled) => cancelled.to_string(),
            Self::Failed(error) => words_of(&**error),
            Self::Panicked(payload) => format!("panicked: {}", panic_text(payload.as_ref())),
        }
    }

    /// The end of a member that was cancelled before it began.
    pub(super) fn before_begin(member: &Record) -> Self {
        let cause = member.cause();
        let cause = cause.unwrap_or_else(|| Cause::new(crate::Reason::Requested));
        Self::Cancelled(Cancelled::new(cause).of(member.label.clone(), None))
    }
}
