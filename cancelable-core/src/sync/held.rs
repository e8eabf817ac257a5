//! A user's value that is kept by the library, and whose drop harms nobody else.

use super::{WakerId, isolate};
use std::task::Waker;

/// A waker, a source, a finalizer or another value of a user's. A panic of its drop ends here, is logged and
/// counted, wherever it is dropped: in a list of others, while another panic unwinds, in the last step of an
/// end.
///
/// Still it is to be dropped with no lock held: its drop may come back.
///
/// It may be empty, which takes no more space where the value is a pointer.
pub(crate) struct Held<T>(Option<T>);

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Held<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value, for whoever drops it from here on.
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

impl<T> Drop for Held<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            isolate("the drop of a user's value", || drop(value));
        }
    }
}

/// A waker that is stored for whoever wakes it.
pub(crate) type StoredWaker = Held<Waker>;

impl StoredWaker {
    /// A clone, for which no lock may be held.
    pub(crate) fn of(waker: &Waker) -> Self {
        Self::new(waker.clone())
    }

    /// Which waker it is; none if it is empty.
    pub(crate) fn id(&self) -> Option<WakerId> {
        self.0.as_ref().map(WakerId::of)
    }

    /// Wakes. A panic of the waker ends here and is logged with `what`.
    pub(crate) fn wake(self, what: &str) {
        if let Some(waker) = self.take() {
            isolate(what, || waker.wake());
        }
    }
}

/// Drops a waker that was taken out, if one was. To be called with no lock held.
#[inline]
pub(crate) fn discard(waker: Option<Waker>) {
    drop(Held(waker));
}
