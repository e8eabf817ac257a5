//! The identity of a waker, without the waker.

use std::task::Waker;

/// The identity that [`Waker::will_wake`] compares: wakers with the same identity wake the same task.
///
/// Valid while the waker lives; a later waker may have the same identity. A clone may have another identity
/// than its original.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct WakerId {
    data: usize,
    vtable: usize,
}

impl WakerId {
    /// The identity of no waker.
    pub(crate) const NONE: Self = Self { data: 0, vtable: 0 };

    #[inline]
    pub(crate) fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
    }
}
