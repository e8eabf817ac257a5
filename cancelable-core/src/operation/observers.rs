//! Who is told of every change of an operation's status: the recorders of the test kit.
//!
//! Without the feature `testing` none of this is compiled. With it, a change costs one load for as
//! long as nothing was ever recorded in the process.

use super::record::Record;
use crate::report::Status;
use crate::sync::Mutex;
use std::sync::{Arc, OnceLock, Weak};

/// Told with no lock held, on the thread that made the change, after it.
pub(crate) trait Observer: Send + Sync {
    fn changed(&self, record: &Record, status: Status);
}

static OBSERVERS: OnceLock<Mutex<Vec<Weak<dyn Observer>>>> = OnceLock::new();

/// Tells `observer` from now on, until it is dropped.
pub(crate) fn add(observer: Weak<dyn Observer>) {
    let observers = OBSERVERS.get_or_init(|| Mutex::new(Vec::new()));
    let mut observers = observers.lock();
    observers.retain(|observer| observer.strong_count() > 0);
    observers.push(observer);
}

pub(super) fn tell(record: &Record, status: Status) {
    let Some(observers) = OBSERVERS.get() else {
        return;
    };
    // Taken out: what an observer does may lead back here.
    let present: Vec<Arc<_>> = observers.lock().iter().filter_map(Weak::upgrade).collect();
    for observer in present {
        observer.changed(record, status);
    }
}
