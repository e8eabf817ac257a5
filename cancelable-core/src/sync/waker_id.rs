//! Which waker is stored, without the waker.

use std::task::Waker;

/// Two wakers with the same one wake the same task: what [`Waker::will_wake`] compares. It says so as long
/// as the waker that it was taken of is alive; after that another may come to have the same.
///
/// A clone may have another one than what it was cloned from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct WakerId {
    data: usize,
    vtable: usize,
}

impl WakerId {
    /// One that no waker has.
    pub(crate) const NONE: Self = Self { data: 0, vtable: 0 };

    #[inline]
    pub(crate) fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
    }
}
