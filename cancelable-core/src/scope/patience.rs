//! Waiting for a blocking call to be given up.

use crate::cause::OperationId;
use crate::operation::{Call, Record};
use crate::runtime::Sleep;
use event_listener::EventListener;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What a handle to a blocking call needs to notice that the call is waited for no longer, also
/// where the scope is not waiting yet, because its body still runs.
pub(super) struct Patience {
    owner: Arc<Record>,
    id: OperationId,
    call: Arc<Call>,
    span: Duration,
    listener: Option<EventListener>,
    /// Made when the call is cancelled.
    sleep: Option<Sleep>,
}

impl Patience {
    /// None for a call that is waited for as long as it takes.
    pub(super) fn new(owner: &Arc<Record>, id: OperationId, call: &Arc<Call>) -> Option<Self> {
        Some(Self {
            owner: Arc::clone(owner),
            id,
            call: Arc::clone(call),
            span: call.patience()?,
            listener: None,
            sleep: None,
        })
    }

    /// Ready when the call is abandoned, which this does when its time is up.
    ///
    /// Wakes: the listener is registered before the call is looked at a last time, and a change is
    /// made before listeners are notified. Each turn of the loop ends the poll or gets one step
    /// further along look, listen, look again; it starts over only after a change, of which there
    /// are two at most.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        loop {
            if self.call.is_abandoned() {
                return Poll::Ready(self.span);
            }
            if let Some(due) = self.call.due() {
                let runtime = self.call.runtime();
                let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(due));
                if Pin::new(sleep).poll(cx).is_ready() {
                    // It changes nothing if the call has just ended: then its end was reported.
                    self.owner.nursery.abandon(self.id);
                    if self.call.is_abandoned() {
                        return Poll::Ready(self.span);
                    }
                }
            }
            match &mut self.listener {
                None => self.listener = Some(self.call.listen()),
                Some(listener) => {
                    ready!(Pin::new(listener).poll(cx));
                    self.listener = None;
                }
            }
        }
    }
}
