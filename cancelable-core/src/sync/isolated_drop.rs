//! A user's value whose drop runs in isolation.

use super::{WakerId, isolate};
use std::task::Waker;

/// A waker, a source, a finalizer or another value of the user. A panic of its drop is caught, logged and counted
/// wherever the drop happens: in a list of values, while another panic unwinds, in the last step of an operation.
///
/// Requires that no lock is held at the drop: the user's `Drop` may call back into the library.
///
/// May be empty, which needs no extra space where the value is a pointer.
pub(crate) struct IsolatedDrop<T>(Option<T>);

impl<T> Default for IsolatedDrop<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> IsolatedDrop<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Returns the value, whose drop is no longer isolated.
    pub(crate) fn take(mut self) -> Option<T> {
        self.0.take()
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }
}

impl<T> Drop for IsolatedDrop<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            isolate("the drop of a user's value", || drop(value));
        }
    }
}

/// A stored waker.
pub(crate) type StoredWaker = IsolatedDrop<Waker>;

impl StoredWaker {
    /// A clone of `waker`. Requires that no lock is held: `Clone` of a waker is user code.
    pub(crate) fn of(waker: &Waker) -> Self {
        Self::new(waker.clone())
    }

    /// Returns the waker's identity; `None` if this is empty.
    pub(crate) fn id(&self) -> Option<WakerId> {
        self.0.as_ref().map(WakerId::of)
    }

    /// Wakes the task. A panic of the waker is caught and logged with `what`.
    pub(crate) fn wake(self, what: &str) {
        if let Some(waker) = self.take() {
            isolate(what, || waker.wake());
        }
    }
}

/// Drops a waker in isolation. Requires that no lock is held.
#[inline]
pub(crate) fn drop_waker(waker: Option<Waker>) {
    drop(IsolatedDrop(waker));
}
