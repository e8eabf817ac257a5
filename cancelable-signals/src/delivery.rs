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
use std::future::pending;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Takes the signal, once. Where the source decides, the request is on record when this returns, if
    /// the scope can have it.
    pub(crate) fn receive(&self, delivery: Arc<Delivery>) {
        let cause = cause(delivery.signal, self.location);
        // With no lock held: a cancel runs the code of users. Should the source go meanwhile, its
        // scope has the request or has refused it, and the answer says which.
        if self.is_on_record(&cause) {
            delivery.answer();
            return;
        }
        let refused = {
            let mut state = self.state.lock();
            match *state {
                State::Closed => Some(delivery),
                State::Empty | State::Held(..) => {
                    *state = State::Held(delivery, cause.clone());
                    None
                }
            }
        };
        // Unlocked before: it may be the last, and then the signal is served again.
        drop(refused);
        if self.scope.is_none() {
            self.arrived.cancel_with(cause);
        }
    }

    /// The cause, once the signal was received: what a source that reports resolves to.
    pub(crate) async fn report(&self) -> Cause {
        self.arrived.cancelled().await;
        match self.close() {
            Some((delivery, cause)) => {
                delivery.answer();
                cause
            }
            // Only a source that is gone has closed it, and nobody polls that.
            None => pending().await,
        }
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

    fn close(&self) -> Option<(Arc<Delivery>, Cause)> {
        match std::mem::replace(&mut *self.state.lock(), State::Closed) {
            State::Held(delivery, cause) => Some((delivery, cause)),
            State::Empty | State::Closed => None,
        }
    }
}
