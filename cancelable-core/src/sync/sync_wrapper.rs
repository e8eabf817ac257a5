//! Access by value only, which makes any value `Sync`.

use super::Mutex;

/// A value that can only be moved out, for an error that returns work to the caller.
///
/// Most programs need errors that are `Sync`, and a future in an error need not be `Sync`. No method gives a
/// reference to the value, so sharing the wrapper is sound. The mutex proves it to the compiler without
/// `unsafe`; it is never locked.
pub(crate) struct SyncWrapper<T>(Mutex<T>);

impl<T> SyncWrapper<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

// The value cannot be changed inside the wrapper, so no panic can leave it half changed.
impl<T> std::panic::UnwindSafe for SyncWrapper<T> {}
impl<T> std::panic::RefUnwindSafe for SyncWrapper<T> {}
