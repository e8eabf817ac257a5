//! The handle to a child: waiting for its value, and asking it to stop.

use super::ChildError;
use super::patience::Patience;
use crate::operation::Operation;
use crate::runtime::JoinHandle;
use crate::sync::awaited;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A child of a scope, or a blocking call in it, from [`Scope::spawn`](super::Scope::spawn) and its
/// like.
///
/// Awaiting it gives its value. It dereferences to the child's [`Operation`], which says how it
/// stands and cancels it. Dropping the handle changes nothing: the scope waits for the child in any
/// case.
///
/// # Cancel safety
///
/// Awaiting it by reference and dropping that loses nothing.
pub struct Child<T> {
    operation: Operation,
    join: JoinHandle<Result<T, ChildError>>,
    /// What a blocking call has that may be given up.
    patience: Option<Patience>,
}

impl<T> Child<T> {
    pub(super) fn new(
        operation: Operation,
        join: JoinHandle<Result<T, ChildError>>,
        patience: Option<Patience>,
    ) -> Self {
        Self {
            operation,
            join,
            patience,
        }
    }

    /// The child's operation, for a handle that outlives this one.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Whether it has ended, in whichever way. A blocking call that was abandoned has not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.is_finished()
    }
}

impl<T> Deref for Child<T> {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl<T> Child<T> {
    /// Wakes: by the child's end, by the handle below; and by what gives a blocking call up. The end
    /// is looked at first, so a call that has ended is never said to be abandoned.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, ChildError>> {
        let this = self.get_mut();
        if let Poll::Ready(joined) = Pin::new(&mut this.join).poll(cx) {
            let record = this.operation.record();
            let ended = joined.unwrap_or_else(|error| Err(ChildError::joined(record, error)));
            if ended.is_err() {
                record.hand_on();
            }
            return Poll::Ready(ended);
        }
        let Some(patience) = &mut this.patience else {
            return Poll::Pending;
        };
        patience
            .poll(cx)
            .map(|span| Err(ChildError::abandoned(this.operation.record(), span)))
    }
}

impl<T> Future for Child<T> {
    type Output = Result<T, ChildError>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        awaited(self.advance(cx))
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("operation", &self.operation)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
