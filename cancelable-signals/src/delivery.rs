//! A signal on its way to the sources that watched when it came, and the answer for it.
//!
//! A source does not answer for a signal by having received it: a scope may end, or be dropped, before
//! anyone looks. So each source that receives a signal holds its *delivery* until the request is on
//! record in a scope, or was handed on. When all of them have let go of it and none has done that, the
//! signal is served once more, as if it came now: to whoever watches it by then, or by the previous action.

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

/// One signal that was received. Shared by the sources that received it.
pub(crate) struct Delivery {
    signal: Signal,
    answered: AtomicBool,
}

impl Delivery {
    /// `answered` says whether something else than a source has received the signal too.
    pub(crate) fn new(signal: Signal, answered: bool) -> Arc<Self> {
        Arc::new(Self {
            signal,
            answered: AtomicBool::new(answered),
        })
    }

    /// The signal has had its effect.
    fn answer(&self) {
        // Relaxed: read in the drop, which comes after it by the reference count.
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

/// What a source receives its signal in. The entry that delivers and the future that is polled share it.
pub(crate) struct Inbox {
    /// What to cancel at once; none for a source that only reports.
    scope: Option<ScopeCancel>,
    location: &'static Location<'static>,
    state: Mutex<State>,
    /// Wakes a source that reports.
    arrived: CancellationToken,
}

enum State {
    Empty,
    /// The signal was received and has had no effect yet.
    Held(Arc<Delivery>, Cause),
    /// The source has given its cause, or is gone.
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

    /// Holds the signal from now on, unless the source is gone. Nobody's code runs in it.
    ///
    /// All sources hold a signal before anyone acts on it. So whoever is told of one first finds it
    /// with the others too: a scope that ends because one inside it was told looks at its own source once
    /// more.
    pub(crate) fn hold(&self, delivery: Arc<Delivery>) {
        let cause = cause(delivery.signal, self.location);
        let mut state = self.state.lock();
        if !matches!(*state, State::Closed) {
            *state = State::Held(delivery, cause);
            return;
        }
        // Unlocked: this may be the last to let go of it, and then it is served again.
        drop(state);
        drop(delivery);
    }

    /// Acts on the signal that is held. Where the source decides, the request is on record when this
    /// returns, if the scope can have it.
    ///
    /// The thread that serves the signal, a poll and a drop may ask the scope at once. Whichever is told
    /// that it is on record answers for it, and each has it until then.
    pub(crate) fn act(&self) {
        let Some((delivery, cause)) = self.held() else {
            return;
        };
        if self.scope.is_none() {
            self.arrived.cancel_with(cause);
        } else if self.is_on_record(&cause) {
            // With no lock held: a cancel runs the code of users.
            delivery.answer();
            drop(self.close());
        }
    }

    /// Ready with the cause once the signal is held: what a source that reports resolves to.
    ///
    /// Wakes: the signal is looked for once more after the waker was left, and is held before the waker
    /// is woken.
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
                    // Ready or not: the look that follows decides.
                    let _ = arrived.as_mut().poll(cx);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Lets go of the signal, if it has not had its effect.
    pub(crate) fn abandon(&self) {
        if let Some((delivery, cause)) = self.close() {
            // It may be on record by now, by way of a group.
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

    /// One that is told of it at once may end what another is in, before that one has its turn.
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
