//! The recorders of the test kit, which observe every operation of the process. Until the first recorder is
//! made, an event costs one load.

use super::Observer;
use crate::sync::Mutex;
use crate::sync::unmodelled::OnceLock;
use std::sync::{Arc, Weak};

static RECORDERS: OnceLock<Mutex<Vec<Weak<dyn Observer>>>> = OnceLock::new();

/// Notifies `recorder` from now on, until it is dropped.
pub(crate) fn add(recorder: Weak<dyn Observer>) {
    let recorders = RECORDERS.get_or_init(|| Mutex::new(Vec::new()));
    let mut recorders = recorders.lock();
    recorders.retain(|recorder| recorder.strong_count() > 0);
    recorders.push(recorder);
}

/// Returns references, for calls without the lock: a call of a recorder may lead back here.
pub(super) fn present() -> Vec<Arc<dyn Observer>> {
    let Some(recorders) = RECORDERS.get() else {
        return Vec::new();
    };
    recorders.lock().iter().filter_map(Weak::upgrade).collect()
}
