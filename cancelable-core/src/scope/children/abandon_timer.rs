//! Waiting for a blocking call to be given up.

use crate::cause::OperationId;
use crate::record::Record;
use crate::record::abandon;
use crate::record::blocking_call::BlockingCall;
use crate::runtime::Sleep;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a handle to a blocking call needs to notice that the call is waited for no longer, also
/// where the scope is not waiting yet, because its body still runs.
pub(super) struct Patience {
    owner: Arc<Record>,
    id: OperationId,
    call: Arc<BlockingCall>,
    span: Duration,
    /// Made when the call is cancelled.
    sleep: Option<Sleep>,
}

impl Patience {
    /// None for a call that is waited for as long as it takes.
    pub(super) fn new(
        owner: &Arc<Record>,
        id: OperationId,
        call: &Arc<BlockingCall>,
    ) -> Option<Self> {
        Some(Self {
            owner: Arc::clone(owner),
            id,
            call: Arc::clone(call),
            span: call.abandon_after()?,
            sleep: None,
        })
    }

    /// Ready when the call is abandoned, which this does when its time is up.
    ///
    /// Wakes: the waker is left before the call is looked at a last time, and a change is made before the
    /// waker is taken. A call that is cancelled has a timer, which has the waker too.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if self.look(cx).is_pending() {
            self.call.follow(cx);
            return self.look(cx);
        }
        Poll::Ready(self.span)
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if let Some(due) = self.call.due() {
            let runtime = self.call.runtime();
            let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(due));
            if !self.call.is_abandoned() && Pin::new(sleep).poll(cx).is_ready() {
                // It changes nothing if the call has just ended: then its end was reported.
                abandon::abandon_call(&self.owner, self.id);
            }
        }
        match self.call.is_abandoned() {
            true => Poll::Ready(self.span),
            false => Poll::Pending,
        }
    }
}

/// The call may go on for long after its handle.
impl Drop for Patience {
    fn drop(&mut self) {
        self.call.unfollow();
    }
}
