//! How those who listen are told of a cancel at once, on the thread that cancels, however the cancel
//! comes: by a callback at the token, which is left there only where somebody listens.
//!
//! Events are told in order: the cancel before the end. Whoever is first, the callback or the end of
//! the operation, tells of the cancel under the record's lock, so that the other finds it told; and
//! a callback that comes when the status is an end leaves it to the end. Under that lock the event is
//! put on the queues of its readers (a queue's lock is the inner one), and nothing of a user's runs.
//!
//! Progress is told in the same way, before the end, and only of operations that make some.
//!
//! Hooks are called once: by the callback, or by the end where it took the callback back unrun.

use super::Operation;
use super::record::Record;
use crate::cause::Cause;
use crate::progress::ProgressUpdate;
use crate::token::CallbackRegistration;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Notice {
    /// A callback is there, or just being left there.
    set: bool,
    registration: Option<CallbackRegistration>,
    /// The readers of events know.
    told: bool,
    /// Somebody listens to the progress.
    to_progress: bool,
}

impl Record {
    /// Has the cancel told from now on. A cancel that came before is told here.
    pub(crate) fn notice_cancel(self: &Arc<Self>) {
        let is_first = self.with_notes(|notes| !std::mem::replace(&mut notes.notice.set, true));
        if !is_first {
            return;
        }
        // Weak: the token, which keeps the callback, is the record's.
        let record = Arc::downgrade(self);
        let registration = self.token().on_cancel(move |cause| {
            if let Some(record) = record.upgrade() {
                // The end itself tells of the end.
                if cause.is_end_of(&record.label) {
                    return;
                }
                if let Some(ledger) = &record.ledger {
                    ledger.tell_cancel(&record, cause, false);
                }
                record.hook_cancel(cause);
            }
        });
        let mut registration = Some(registration);
        {
            let mut inner = self.inner.lock();
            // The end takes the callback back under this lock, or it has been and is left to here.
            if !self.status().is_closed() {
                let notes = inner.notes.get_or_insert_default();
                notes.notice.registration = registration.take();
            }
        }
        if let Some(registration) = registration {
            self.take_back(registration);
        }
    }

    /// Tells of a cancel that was not told yet, and takes the callback back.
    pub(super) fn end_notice(self: &Arc<Self>) {
        let taken = self.on_notes(|notes| {
            let notice = &mut notes.notice;
            notice.set.then(|| notice.registration.take())
        });
        let Some(registration) = taken.flatten() else {
            return;
        };
        // Before the look at the cause: a callback that can't be taken back has one.
        let never_ran = registration.is_some_and(CallbackRegistration::unregister);
        let Some(cause) = self.cause() else {
            return;
        };
        if let Some(ledger) = &self.ledger {
            ledger.tell_cancel(self, &cause, true);
        }
        if never_ran {
            self.hook_cancel(&cause);
        }
    }

    /// Without waiting for a callback that runs: its hooks may wait for the end that calls this.
    fn take_back(self: &Arc<Self>, registration: CallbackRegistration) {
        if registration.unregister() {
            if let Some(cause) = self.cause() {
                self.hook_cancel(&cause);
            }
        }
    }

    fn hook_cancel(self: &Arc<Self>, cause: &Cause) {
        if let Some(ledger) = &self.ledger {
            ledger.hook_cancel(self, cause);
        }
        if let Some(hooks) = &self.hooks {
            hooks.cancel_requested(self, cause);
        }
    }

    /// Has progress told from now on, if there is any and somebody wants to know.
    ///
    /// Called when the progress is made and when somebody begins to listen. Each side has done its
    /// part before it takes the lock here, so the second of them sees what the first one did.
    pub(crate) fn notice_progress(self: &Arc<Self>) {
        let is_first = {
            let mut inner = self.inner.lock();
            let wanted = self.ledger.as_ref().is_some_and(|own| own.wants_progress())
                || self.hooks.as_ref().is_some_and(|own| own.on_progress_set());
            if !wanted || self.progress.get().is_none() || self.status().is_closed() {
                return;
            }
            let notes = inner.notes.get_or_insert_default();
            !std::mem::replace(&mut notes.notice.to_progress, true)
        };
        if !is_first {
            return;
        }
        let record = Arc::downgrade(self);
        let tell = move |update: &ProgressUpdate| {
            let Some(record) = record.upgrade() else {
                return;
            };
            if let Some(ledger) = &record.ledger {
                ledger.progressed(&record, update);
            }
            if let Some(hooks) = &record.hooks {
                hooks.progressed(&record, update);
            }
        };
        Operation::new(Arc::clone(self)).on_progress(tell).detach();
    }

    /// Runs `tell` under the record's lock if the operation has not ended, so that the end is told
    /// after it.
    pub(crate) fn tell_while_open(&self, tell: impl FnOnce()) {
        let _inner = self.inner.lock();
        if !self.status().is_closed() {
            tell();
        }
    }

    /// Runs `tell` under the record's lock unless that was done before. Once the status is an end,
    /// only the end itself tells: it goes on to tell of that.
    pub(crate) fn tell_once(&self, at_end: bool, tell: impl FnOnce()) {
        let mut inner = self.inner.lock();
        let is_late = !at_end && self.status().is_closed();
        let notes = inner.notes.get_or_insert_default();
        if !is_late && !std::mem::replace(&mut notes.notice.told, true) {
            tell();
        }
    }
}
