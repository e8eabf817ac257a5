//! A hook's place at an operation.

use super::listener::Listener;
use super::meter::Meter;
use std::fmt;
use std::sync::Arc;

/// A hook's place at an operation's progress, from
/// [`Operation::on_progress`](super::Operation::on_progress).
///
/// Dropping it unregisters the hook. It does not wait: a call that runs on another thread just then
/// goes on to its end, and no other one follows.
#[must_use = "dropping the registration unregisters the hook; `detach()` leaves it in place"]
pub struct ProgressRegistration {
    place: Option<(Arc<Meter>, Arc<Listener>)>,
}

impl ProgressRegistration {
    pub(super) fn new(meter: &Arc<Meter>, listener: Arc<Listener>) -> Self {
        Self {
            place: Some((Arc::clone(meter), listener)),
        }
    }

    /// Leaves the hook in place until the operation ends.
    pub fn detach(mut self) {
        self.place = None;
    }
}

impl Drop for ProgressRegistration {
    fn drop(&mut self) {
        if let Some((meter, listener)) = self.place.take() {
            meter.remove(&listener);
            listener.retire();
        }
    }
}

impl fmt::Debug for ProgressRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.place.as_ref().map(|(meter, _)| &meter.label);
        f.debug_struct("ProgressRegistration")
            .field("operation", &operation)
            .finish_non_exhaustive()
    }
}
