//! Delivery of an operation's events to its observers: exactly once, and in order.
//!
//! A cancel is delivered at once, on the thread that cancels, by a callback at the token. The callback
//! is registered only where an observer wants cancels.
//!
//! The callback and the end of the operation compete for the delivery. The first of them claims it under
//! the record's lock, and pushes the event to the readers' queues under that lock (a queue's lock is the
//! inner one, and no user code runs there). So the event of the cancel precedes the event of the end. Then
//! the same thread calls the hooks, with no lock held. A callback that finds an end leaves the delivery to
//! the thread of the end, which knows whether the cancel came before.
//!
//! Progress is delivered in the same way, before the end, and only of operations that make some.

use super::Record;
use super::observer::Observer;
use crate::cause::Cause;
use crate::progress::ProgressUpdate;
use crate::report::Status;
use crate::token::CallbackRegistration;
use std::sync::Arc;
use std::time::Duration;

/// What has been delivered, and what is registered to deliver more. Under the record's lock.
#[derive(Default)]
pub(crate) struct Notices {
    /// A callback at the token is registered, or about to be.
    observes_cancel: bool,
    callback: Option<CallbackRegistration>,
    /// The cancel is delivered, or is being delivered.
    cancel_claimed: bool,
    /// A progress hook is registered, or about to be.
    observes_progress: bool,
}

impl Record {
    fn is_observed(&self) -> bool {
        #[cfg(feature = "testing")]
        if !super::observer::recorders::present().is_empty() {
            return true;
        }
        self.registry.is_some() || self.hooks.is_some()
    }

    fn own_observers(&self) -> impl Iterator<Item = &Arc<dyn Observer>> {
        [&self.registry, &self.hooks].into_iter().flatten()
    }

    fn notify(&self, notify: impl Fn(&dyn Observer)) {
        #[cfg(feature = "testing")]
        for recorder in super::observer::recorders::present() {
            notify(&*recorder);
        }
        self.own_observers()
            .for_each(|observer| notify(&**observer));
    }

    /// Called once, when the record is open and its scope can find it.
    pub(crate) fn notify_opened(self: &Arc<Self>) {
        self.notify(|observer| {
            observer.opened(self);
            self.observe_cancel_for(observer);
        });
    }

    pub(crate) fn notify_entered(self: &Arc<Self>) {
        self.notify(|observer| {
            observer.entered(self);
            // A recorder may be younger than the operation.
            self.observe_cancel_for(observer);
        });
    }

    /// Called once, after the status has become an end. Delivers a cancel first, unless the callback has
    /// claimed it.
    pub(crate) fn notify_closed(self: &Arc<Self>, end: Status, elapsed: Option<Duration>) {
        if !self.is_observed() {
            return;
        }
        let observed = self.on_notes(|notes| {
            let notices = &mut notes.notices;
            notices.observes_cancel.then(|| notices.callback.take())
        });
        if let Some(callback) = observed.flatten() {
            // Does not wait for a callback that runs: it calls hooks, which may wait for this end.
            if let Some(callback) = callback {
                callback.unregister();
            }
            if let Some(cause) = self.cause() {
                self.notify_cancel(&cause, true);
            }
        }
        self.notify(|observer| observer.closed(self, end, elapsed));
    }

    fn observe_cancel_for(self: &Arc<Self>, observer: &dyn Observer) {
        if observer.wants_cancels(self) {
            self.observe_cancel();
        }
    }

    /// Delivers the cancel from now on. A cancel that came before is delivered here.
    pub(crate) fn observe_cancel(self: &Arc<Self>) {
        let set = |notices: &mut Notices| std::mem::replace(&mut notices.observes_cancel, true);
        if self.with_notes(|notes| set(&mut notes.notices)) {
            return;
        }
        // Weak: the record owns the token, which keeps the callback.
        let record = Arc::downgrade(self);
        let registration = self.token().on_cancel(move |cause| {
            // The end of an operation cancels its token too, and is no cancel of the operation.
            let record = record.upgrade();
            if let Some(record) = record.filter(|record| !cause.is_end_of(&record.label)) {
                record.notify_cancel(cause, false);
            }
        });
        let mut registration = Some(registration);
        {
            let mut inner = self.inner.lock();
            // The end takes the callback back under this lock, unless it has been here before.
            if !self.status().is_closed() {
                let notes = inner.notes.get_or_insert_default();
                notes.notices.callback = registration.take();
            }
        }
        // Does not wait either; see `notify_closed`.
        if let Some(registration) = registration {
            registration.unregister();
        }
    }

    /// Delivers a cancel, unless the delivery is claimed already. Once the status is an end, only the thread
    /// of the end delivers: it delivers the end after it.
    fn notify_cancel(self: &Arc<Self>, cause: &Cause, at_end: bool) {
        let mut is_first = false;
        let mut publish = |push: &mut dyn FnMut()| {
            let mut inner = self.inner.lock();
            let is_late = !at_end && self.status().is_closed();
            let notices = &mut inner.notes.get_or_insert_default().notices;
            is_first = !is_late && !std::mem::replace(&mut notices.cancel_claimed, true);
            if is_first {
                push();
            }
        };
        match &self.registry {
            Some(registry) => registry.queue_cancel(self, cause, &mut publish),
            None => publish(&mut || {}),
        }
        if is_first {
            self.notify(|observer| observer.cancel_requested(self, cause));
        }
    }

    /// Delivers progress from now on, if the operation makes any and an observer wants it.
    ///
    /// Called when the progress is made and when an observer begins to want it. Each side has done its
    /// part before it takes the lock here, so the second of them sees what the first one did.
    pub(crate) fn observe_progress(self: &Arc<Self>) {
        let is_first = {
            let mut inner = self.inner.lock();
            let wanted = self.own_observers().any(|own| own.wants_progress());
            if !wanted || self.progress.get().is_none() || self.status().is_closed() {
                return;
            }
            let notices = &mut inner.notes.get_or_insert_default().notices;
            !std::mem::replace(&mut notices.observes_progress, true)
        };
        if !is_first {
            return;
        }
        let record = Arc::downgrade(self);
        let notify = move |update: &ProgressUpdate| {
            if let Some(record) = record.upgrade() {
                record.notify(|observer| observer.progressed(&record, update));
            }
        };
        self.progress().subscribe(Box::new(notify), None).detach();
    }

    /// Calls `push` under the record's lock if the operation has not ended, so that its event precedes the
    /// event of the end.
    pub(crate) fn while_open(&self, push: impl FnOnce()) {
        let _inner = self.inner.lock();
        if !self.status().is_closed() {
            push();
        }
    }
}
