//! The seam to locks, atomics, thread parking and the clock.
//!
//! Nothing else in this crate imports them, so that a build with `--cfg cancelable_loom` replaces
//! all of them by loom's models. Reference counts stay the standard library's in both builds:
//! what loom checks is our own protocol, and that rests on the locks and atomics here.

mod awaited;
pub(crate) mod clock;
#[cfg(feature = "scope")]
mod contained;
mod escape;
mod gate;
mod held;
mod isolate;
#[cfg(feature = "scope")]
mod kept;
mod latch;
mod parker;
mod say;
mod waker_id;
#[cfg(feature = "scope")]
mod waker_slot;

pub(crate) use awaited::awaited;
#[cfg(feature = "testing")]
pub(crate) use awaited::gather;
#[cfg(feature = "scope")]
pub(crate) use contained::Contained;
pub use escape::{Escaped, escaped};
pub(crate) use escape::{Escaping, escape, words_of};
pub(crate) use gate::Gate;
pub(crate) use held::{Held, StoredWaker, discard};
pub(crate) use isolate::panic_text;
pub use isolate::{isolate, isolated_panics};
#[cfg(feature = "scope")]
pub(crate) use kept::Kept;
pub(crate) use latch::{Latch, LatchWait};
pub(crate) use parker::block_on;
pub(crate) use say::{is_logged, say, to_logger};
pub(crate) use waker_id::WakerId;
#[cfg(feature = "scope")]
pub(crate) use waker_slot::WakerSlot;

#[cfg(not(cancelable_loom))]
mod imp {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };

    /// Waits until `condvar` is notified and gives the lock back, held.
    pub(crate) fn wait<'a, T>(
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        condvar.wait(&mut guard);
        guard
    }

    /// As [`wait`], until `at` at the latest.
    pub(crate) fn wait_until<'a, T>(
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
        at: std::time::Instant,
    ) -> MutexGuard<'a, T> {
        condvar.wait_until(&mut guard, at);
        guard
    }
}

#[cfg(cancelable_loom)]
mod imp {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    pub(crate) use loom::sync::{Condvar, MutexGuard};
    pub(crate) use loom::thread_local;

    /// loom's mutex with the signature of `parking_lot`'s: a panic does not poison it.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            }
        }

        pub(crate) fn into_inner(self) -> T {
            match self.0.into_inner() {
                Ok(value) => value,
                Err(poisoned) => poisoned.into_inner(),
            }
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            match self.0.get_mut() {
                Ok(value) => value,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }

    /// The standard library's, with a lock and a flag that loom sees.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        is_set: AtomicBool,
        setting: Mutex<()>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self {
                value: std::sync::OnceLock::new(),
                is_set: AtomicBool::new(false),
                setting: Mutex::new(()),
            }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            match self.is_set.load(Ordering::Acquire) {
                true => self.value.get(),
                false => None,
            }
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            let _setting = self.setting.lock();
            let set = self.value.set(value);
            self.is_set.store(true, Ordering::Release);
            set
        }

        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
            let _setting = self.setting.lock();
            let value = self.value.get_or_init(init);
            self.is_set.store(true, Ordering::Release);
            value
        }
    }

    impl<T> From<T> for OnceLock<T> {
        fn from(value: T) -> Self {
            let lock = Self::new();
            let _ = lock.set(value);
            lock
        }
    }

    /// Waits until `condvar` is notified and gives the lock back, held.
    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        match condvar.wait(guard) {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// As [`wait`]: loom has no time, and no model of it uses this.
    pub(crate) fn wait_until<'a, T>(
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
        _at: std::time::Instant,
    ) -> MutexGuard<'a, T> {
        wait(condvar, guard)
    }
}

pub(crate) use imp::*;

/// The standard library's in both builds. For statics: loom's locks can't be static, and no model is
/// about a static.
pub(crate) use std::sync::OnceLock as StaticOnceLock;

#[cfg(cancelable_loom)]
pub(crate) use loom::thread::ThreadId;
#[cfg(not(cancelable_loom))]
pub(crate) use std::thread::ThreadId;

/// A number of the thread that calls, which it keeps. Threads that were the first to ask one after the
/// other have numbers that follow each other.
#[cfg(not(cancelable_loom))]
pub(crate) fn thread_number() -> usize {
    use std::cell::Cell;
    // A counter that no protocol depends on.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER
        .try_with(|number| {
            number.get().unwrap_or_else(|| {
                // Relaxed: it orders nothing.
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                number.set(Some(next));
                next
            })
        })
        // A thread that is ending: any number will do.
        .unwrap_or(0)
}

/// As above. loom's threads are all on one of the system's, and its atomics can't be static. The text of
/// an identity is the same in each run of a model, as it has to be; the identity itself is not.
#[cfg(cancelable_loom)]
pub(crate) fn thread_number() -> usize {
    let text = format!("{:?}", thread_id());
    text.bytes().map(usize::from).sum()
}

/// The identity of the thread that calls.
pub(crate) fn thread_id() -> ThreadId {
    #[cfg(not(cancelable_loom))]
    return std::thread::current().id();
    #[cfg(cancelable_loom)]
    return loom::thread::current().id();
}
