//! Work that an error hands back.

use super::Mutex;

/// A value that is kept for whoever takes it back, and that nobody looks at meanwhile.
///
/// So an error that has it may go from thread to thread and be shared by them, as a boxed error has to
/// be in most programs, although a future need not be `Sync`. The lock says so to the compiler. There is
/// no other way to the value than to take it back, so nobody ever holds the lock.
pub(crate) struct Kept<T>(Mutex<T>);

impl<T> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

// Nobody looks at the value while it is kept, so no panic can pass by a change of it.
impl<T> std::panic::UnwindSafe for Kept<T> {}
impl<T> std::panic::RefUnwindSafe for Kept<T> {}
