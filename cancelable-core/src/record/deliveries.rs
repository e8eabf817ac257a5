//! The state of an operation's notifications, under the record's lock: the events that were delivered to
//! observers, and the registrations for later events.

use crate::token::CallbackRegistration;

#[derive(Default)]
pub(super) struct Deliveries {
    /// True if a callback on the token is registered, or about to be.
    observes_cancel: bool,
    callback: Option<CallbackRegistration>,
    /// True if the cancel was delivered, or is being delivered.
    is_cancel_claimed: bool,
    /// True if a progress hook is registered, or about to be.
    observes_progress: bool,
}

impl Deliveries {
    /// Returns whether this call is the first. The first caller registers the callback.
    pub(super) fn observe_cancel(&mut self) -> bool {
        !std::mem::replace(&mut self.observes_cancel, true)
    }

    pub(super) fn keep_callback(&mut self, callback: Option<CallbackRegistration>) {
        self.callback = callback;
    }

    /// Takes the callback at the end; `None` if no cancel is observed.
    pub(super) fn take_callback(&mut self) -> Option<Option<CallbackRegistration>> {
        self.observes_cancel.then(|| self.callback.take())
    }

    /// Returns whether this call is the first. The first caller delivers the cancel.
    pub(super) fn claim_cancel(&mut self) -> bool {
        !std::mem::replace(&mut self.is_cancel_claimed, true)
    }

    /// Returns whether this call is the first. The first caller registers the hook.
    pub(super) fn observe_progress(&mut self) -> bool {
        !std::mem::replace(&mut self.observes_progress, true)
    }
}
