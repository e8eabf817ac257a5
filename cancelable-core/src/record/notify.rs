//! Delivery of an operation's events to its observers: exactly once, and in order.
//!
//! A cancel is delivered at once, on the thread that cancels, by a callback on the token. The callback is
//! registered only if an observer observes cancels.
//!
//! The callback and the end of the operation compete for the delivery. The first of them claims it under the
//! record's lock, and pushes the event to the readers' queues under that lock (the queue's lock is the inner
//! lock, and no user code runs under it). So the event of the cancel precedes the event of the end. Then the same
//! thread calls the hooks, with no lock held. A callback that finds an end leaves the delivery to the thread of
//! the end, which knows whether the cancel came before.
//!
//! Progress is delivered in the same way, before the end, and only for operations that report progress.

use super::{Observer, Record};
use crate::cause::Cause;
use crate::progress::ProgressUpdate;
use crate::report::Status;
#[cfg(feature = "testing")]
use crate::sync::{Mutex, unmodelled::OnceLock};
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::Weak;
use std::time::Duration;

/// The recorders of the test kit, which observe every operation of the process. Until the first recorder is made,
/// an event costs one load.
#[cfg(feature = "testing")]
static RECORDERS: OnceLock<Mutex<Vec<Weak<dyn Observer>>>> = OnceLock::new();

/// Notifies `recorder` from now on, until it is dropped.
#[cfg(feature = "testing")]
pub(crate) fn add_recorder(recorder: Weak<dyn Observer>) {
    let recorders = RECORDERS.get_or_init(|| Mutex::new(Vec::new()));
    let mut recorders = recorders.lock();
    recorders.retain(|recorder| recorder.strong_count() > 0);
    recorders.push(recorder);
}

/// Returns the live recorders, for calls without the lock: a call of a recorder may lead back here.
#[cfg(feature = "testing")]
fn recorders() -> Vec<Arc<dyn Observer>> {
    let Some(recorders) = RECORDERS.get() else {
        return Vec::new();
    };
    recorders.lock().iter().filter_map(Weak::upgrade).collect()
}

fn is_observed(record: &Record) -> bool {
    #[cfg(feature = "testing")]
    if !recorders().is_empty() {
        return true;
    }
    record.registry.is_some() || record.hooks.is_some()
}

fn own_observers(record: &Record) -> impl Iterator<Item = &Arc<dyn Observer>> {
    [&record.registry, &record.hooks].into_iter().flatten()
}

fn notify(record: &Record, notify: impl Fn(&dyn Observer)) {
    #[cfg(feature = "testing")]
    for recorder in recorders() {
        notify(&*recorder);
    }
    own_observers(record).for_each(|observer| notify(&**observer));
}

/// Notifies of the opening. Called once, when the record is open and its scope can find it.
pub(super) fn opened(record: &Arc<Record>) {
    notify(record, |observer| {
        observer.opened(record);
        observe_cancel_for(record, observer);
    });
}

pub(super) fn entered(record: &Arc<Record>) {
    notify(record, |observer| {
        observer.entered(record);
        // A recorder may be newer than the operation.
        observe_cancel_for(record, observer);
    });
}

/// Notifies of the end. Called once, after the status has become an end. Delivers a cancel first, unless the
/// callback has claimed it.
pub(super) fn ended(record: &Arc<Record>, end: Status, elapsed: Option<Duration>) {
    if !is_observed(record) {
        return;
    }
    let observed = record.on_lasting(|lasting| lasting.deliveries.take_callback());
    if let Some(callback) = observed.flatten() {
        // Does not wait for a running callback: it calls hooks, which may wait for this end.
        if let Some(callback) = callback {
            callback.unregister();
        }
        if let Some(cause) = record.cause() {
            cancel_requested(record, &cause, true);
        }
    }
    notify(record, |observer| observer.ended(record, end, elapsed));
}

fn observe_cancel_for(record: &Arc<Record>, observer: &dyn Observer) {
    if observer.wants_cancels(record) {
        observe_cancel(record);
    }
}

/// Starts the delivery of the cancel. An earlier cancel is delivered here.
pub(crate) fn observe_cancel(record: &Arc<Record>) {
    if !record.with_lasting(|lasting| lasting.deliveries.observe_cancel()) {
        return;
    }
    let registration = record.on_cancel(|record, cause| cancel_requested(record, cause, false));
    let mut registration = Some(registration);
    {
        let mut inner = record.inner.lock();
        // The end unregisters the callback under this lock, unless the end came before.
        if !record.status().is_terminal() {
            let lasting = inner.lasting.get_or_insert_default();
            lasting.deliveries.keep_callback(registration.take());
        }
    }
    // Does not wait for a running callback; see `closed`.
    if let Some(registration) = registration {
        registration.unregister();
    }
}

/// Delivers a cancel, unless the delivery was claimed. After the status has become an end, only the thread of the
/// end delivers the cancel, and then the end.
fn cancel_requested(record: &Arc<Record>, cause: &Cause, at_end: bool) {
    let mut is_first = false;
    let mut publish = |push: &mut dyn FnMut()| {
        let mut inner = record.inner.lock();
        let is_late = !at_end && record.status().is_terminal();
        let lasting = inner.lasting.get_or_insert_default();
        is_first = !is_late && lasting.deliveries.claim_cancel();
        if is_first {
            push();
        }
    };
    match &record.registry {
        Some(registry) => registry.queue_cancel(record, cause, &mut publish),
        None => publish(&mut || {}),
    }
    if is_first {
        notify(record, |observer| observer.cancel_requested(record, cause));
    }
}

/// Starts the delivery of progress, if the operation has progress and an observer observes progress.
///
/// Called when the progress is made and when an observer begins to want it. Each side has stored its change
/// before it takes the lock here, so the second of them sees the change of the first.
pub(crate) fn observe_progress(record: &Arc<Record>) {
    let progress = {
        let mut inner = record.inner.lock();
        let Some(progress) = record.progress.get() else {
            return;
        };
        let is_wanted = own_observers(record).any(|own| own.wants_progress());
        if !is_wanted || record.status().is_terminal() {
            return;
        }
        let lasting = inner.lasting.get_or_insert_default();
        if !lasting.deliveries.observe_progress() {
            return;
        }
        progress
    };
    let weak = Arc::downgrade(record);
    let hook = move |update: &ProgressUpdate| {
        if let Some(record) = weak.upgrade() {
            notify(&record, |observer| observer.progressed(&record, update));
        }
    };
    progress.subscribe(Box::new(hook), None).detach();
}

/// Calls `push` under the record's lock if the operation has not ended, so that its event precedes the
/// event of the end.
pub(crate) fn while_open(record: &Record, push: impl FnOnce()) {
    let _inner = record.inner.lock();
    if !record.status().is_terminal() {
        push();
    }
}
