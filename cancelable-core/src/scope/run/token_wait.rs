//! The wait of a run for the cancel of its scope.

use crate::operation::Record;
use crate::token::Wait;
use std::task::{Context, Poll};

/// A wait on the token of the scope or, as long as that was not made, on the one above it, if there is one.
///
/// It owns neither, so it has to be ended with [`leave`](Self::leave).
#[derive(Default)]
pub(super) struct StopWait {
    wait: Wait,
    /// The wait is on the scope's own token.
    is_on_own: bool,
}

impl StopWait {
    /// Ready when the scope is cancelled. The run has left its waker with the record.
    ///
    /// Wakes: by the token that it waits on, and if that is not the scope's own, by whoever makes that
    /// one; see `record/token_cell.rs`. It is the scope's own that says ready: one that was made meanwhile
    /// may be told of a cancel a little after the one above is.
    pub(super) fn poll(&mut self, record: &Record, cx: &Context<'_>) -> Poll<()> {
        if !self.is_on_own {
            if self.poll_above(record, cx).is_pending() && record.park() {
                return Poll::Pending;
            }
            self.leave(record);
            self.is_on_own = true;
        }
        self.wait.poll(record.token(), cx)
    }

    /// Ready when there is no use in a wait on the token above.
    fn poll_above(&mut self, record: &Record, cx: &Context<'_>) -> Poll<()> {
        match (record.made_token(), record.token_above()) {
            (Some(_), _) => Poll::Ready(()),
            (None, Some(above)) => self.wait.poll(above, cx),
            (None, None) => Poll::Pending,
        }
    }

    /// Takes the waker back.
    pub(super) fn leave(&mut self, record: &Record) {
        let token = match self.is_on_own {
            true => record.made_token(),
            false => record.token_above(),
        };
        if let Some(token) = token {
            self.wait.remove(token);
        }
    }
}
