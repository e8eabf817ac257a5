//! The delivery of a signal to the sources that watched it.
//!
//! Receiving a signal is not enough: a scope may end, or be dropped, before it is polled. So each source that receives a
//! signal holds its *delivery* until the request is on record in a scope, or was returned as a cause. If all sources
//! have dropped the delivery and it was never answered, the signal is served once more, as if it came now: to the
//! watchers at that time, or by the previous disposition.

use crate::step::cause;
use crate::{Signal, watch};
use cancelable_core::source::ScopeCancel;
use cancelable_core::{CancellationToken, Cause};
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// A received signal. Shared by the sources that received it.
pub(crate) struct Delivery {
    signal: Signal,
    answered: AtomicBool,
}

impl Delivery {
    /// `answered` is true if a watcher other than a source has received the signal, too.
    pub(crate) fn new(signal: Signal, answered: bool) -> Arc<Self> {
        Arc::new(Self {
            signal,
            answered: AtomicBool::new(answered),
        })
    }

    /// Marks the signal as having had its effect.
    fn answer(&self) {
        // Relaxed: the drop reads it, and the reference count orders the drop after this store.
        self.answered.store(true, Ordering::Relaxed);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !*self.answered.get_mut() {
            watch::serve_again(self.signal);
        }
    }
}

/// The slot in which a source receives its signal, shared by the table's entry and the source's future.
pub(crate) struct Inbox {
    /// The handle that cancels the scope at once; `None` for a source that only reports by its future.
    scope: Option<ScopeCancel>,
    location: &'static Location<'static>,
    state: Mutex<State>,
    /// The token whose cancel wakes a source that reports by its future.
    arrived: CancellationToken,
}

enum State {
    Empty,
    /// The signal was received and has had no effect yet.
    Held(Arc<Delivery>, Cause),
    /// The source has returned its cause, or was dropped.
    Closed,
}

impl Inbox {
    pub(crate) fn new(
        scope: Option<ScopeCancel>,
        location: &'static Location<'static>,
    ) -> Arc<Self> {
        Arc::new(Self {
            scope,
            location,
            state: Mutex::new(State::Empty),
            arrived: CancellationToken::new(),
        })
    }

    /// Holds the signal from now on, unless the source was dropped. Runs no user code.
    ///
    /// All sources hold a signal before any of them acts on it. So a scope that ends because a scope inside it was
    /// cancelled finds the signal in its own source in its last poll.
    pub(crate) fn hold(&self, delivery: Arc<Delivery>) {
        let cause = cause(delivery.signal, self.location);
        let mut state = self.state.lock();
        if !matches!(*state, State::Closed) {
            *state = State::Held(delivery, cause);
            return;
        }
        // Unlocked: this may be the last reference, and its drop serves the signal again.
        drop(state);
        drop(delivery);
    }

    /// Acts on the held signal. If the source has a `ScopeCancel`, the request is on record when this method returns,
    /// unless the scope refuses it.
    ///
    /// The thread that serves the signal, a poll and a drop may cancel the scope at the same time. Each holds the
    /// signal until the scope has confirmed that the request is on record.
    pub(crate) fn act(&self) {
        let Some((delivery, cause)) = self.held() else {
            return;
        };
        if self.scope.is_none() {
            self.arrived.cancel_with(cause);
        } else if self.is_on_record(&cause) {
            // No lock is held: a cancel runs user code.
            delivery.answer();
            drop(self.close());
        }
    }

    /// Returns ready with the cause when a signal is held, for a source that reports by its future.
    ///
    /// Wakes: the state is read once more after the waker was registered, and the signal is held before the waker is
    /// woken.
    pub(crate) async fn report(&self) -> Cause {
        let mut arrived = pin!(self.arrived.cancelled());
        poll_fn(|cx| {
            for is_last in [false, true] {
                if self.held().is_some() {
                    if let Some((delivery, cause)) = self.close() {
                        delivery.answer();
                        return Poll::Ready(cause);
                    }
                }
                if !is_last {
                    // The result does not matter: the state is read again.
                    let _ = arrived.as_mut().poll(cx);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Drops a signal that has had no effect.
    pub(crate) fn abandon(&self) {
        if let Some((delivery, cause)) = self.close() {
            // A group may have put the signal on record by now.
            if self.is_on_record(&cause) {
                delivery.answer();
            }
        }
    }

    fn is_on_record(&self, cause: &Cause) -> bool {
        let scope = self.scope.as_ref();
        scope.is_some_and(|scope| scope.cancel_with(cause.clone()))
    }

    fn held(&self) -> Option<(Arc<Delivery>, Cause)> {
        match &*self.state.lock() {
            State::Held(delivery, cause) => Some((Arc::clone(delivery), cause.clone())),
            State::Empty | State::Closed => None,
        }
    }

    fn close(&self) -> Option<(Arc<Delivery>, Cause)> {
        match std::mem::replace(&mut *self.state.lock(), State::Closed) {
            State::Held(delivery, cause) => Some((delivery, cause)),
            State::Empty | State::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, Inbox};
    use crate::Signal;
    use std::future::Future;
    use std::panic::Location;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// The first source to act may end the scope of another, before that other source has acted.
    #[test]
    fn r45_a_signal_that_is_held_is_given_to_a_poll_that_comes_before_its_turn() {
        let (one, other) = (
            Inbox::new(None, Location::caller()),
            Inbox::new(None, Location::caller()),
        );
        // Answered, so that it is not served again here.
        let delivery = Delivery::new(Signal::INT, true);
        one.hold(delivery.clone());
        other.hold(delivery);
        one.act();
        let mut cx = Context::from_waker(Waker::noop());
        for inbox in [&one, &other] {
            assert!(matches!(pin!(inbox.report()).poll(&mut cx), Poll::Ready(_)));
        }
        // Afterwards there is nothing left to do.
        other.act();
        assert!(pin!(other.report()).poll(&mut cx).is_pending());
    }
}
