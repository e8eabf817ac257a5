//! The seam to locks, atomics, thread parking and the clock.
//!
//! No other module of this crate imports locks or atomics, so a build with `--cfg cancelable_loom` replaces all of
//! them by loom's models. Reference counts are the standard library's in both builds: loom checks the protocols of
//! this crate, which depend on the locks and atomics of this module.

pub(crate) mod clock;
mod escape;
mod isolate;
mod isolated_drop;
#[cfg(feature = "scope")]
mod isolated_drop_future;
mod latch;
mod logging;
mod manual_reset_event;
mod number_map;
#[cfg(all(feature = "scope", not(target_family = "wasm")))]
mod parker;
#[cfg(feature = "scope")]
mod sync_wrapper;
mod track_await;
mod user_text;
mod waker_id;
#[cfg(feature = "scope")]
mod waker_slot;

pub(crate) use escape::{Escaping, escape};
pub(crate) use isolate::panic_text;
pub use isolate::{isolate, isolated_panics};
pub(crate) use isolated_drop::{IsolatedDrop, StoredWaker, drop_waker};
#[cfg(feature = "scope")]
pub(crate) use isolated_drop_future::IsolatedDropFuture;
pub(crate) use latch::{Latch, LatchWait};
pub(crate) use logging::{call_logger, is_logged, log};
pub(crate) use manual_reset_event::ManualResetEvent;
pub(crate) use number_map::{Number, NumberMap};
#[cfg(all(feature = "scope", not(target_family = "wasm")))]
pub(crate) use parker::block_on;
#[cfg(feature = "scope")]
pub(crate) use sync_wrapper::SyncWrapper;
#[cfg(feature = "testing")]
pub(crate) use track_await::collect_await_points;
pub(crate) use track_await::track_await;
pub use user_text::escaped;
pub(crate) use user_text::raw_text;
pub(crate) use waker_id::WakerId;
#[cfg(feature = "scope")]
pub(crate) use waker_slot::WakerSlot;

#[cfg(all(feature = "scope", not(cancelable_loom)))]
mod locks {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

    /// Waits until `condvar` is notified, and returns the lock, held.
    pub(crate) fn wait<'a, T>(
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        condvar.wait(&mut guard);
        guard
    }

    /// Waits as [`wait`] does, until a deadline.
    pub(crate) fn wait_until<'a, T>(
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
        at: std::time::Instant,
    ) -> MutexGuard<'a, T> {
        condvar.wait_until(&mut guard, at);
        guard
    }
}

/// loom's locks, or the standard library's for the token alone: `parking_lot` and its dependencies take as
/// long to build as the token.
#[cfg(any(not(feature = "scope"), cancelable_loom))]
#[allow(clippy::disallowed_types, reason = "this module chooses the locks")]
mod locks {
    #[cfg(cancelable_loom)]
    use loom::sync;
    #[cfg(not(cancelable_loom))]
    use std::sync;
    use std::sync::TryLockError;
    pub(crate) use sync::MutexGuard;

    /// A mutex with the signature of `parking_lot`'s: a panic does not poison it.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
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
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
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

    #[derive(Debug)]
    pub(crate) struct Condvar(sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(sync::Condvar::new())
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    /// Waits until `condvar` is notified, and returns the lock, held.
    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        match condvar.0.wait(guard) {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Waits as [`wait`] does, until a deadline.
    #[cfg(not(cancelable_loom))]
    pub(crate) fn wait_until<'a, T>(
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
        at: std::time::Instant,
    ) -> MutexGuard<'a, T> {
        let left = at.saturating_duration_since(super::clock::now());
        match condvar.0.wait_timeout(guard, left) {
            Ok((guard, _)) => guard,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }
}

#[cfg(not(cancelable_loom))]
mod imp {
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}

#[cfg(cancelable_loom)]
mod imp {
    use super::locks::Mutex;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    pub(crate) use loom::thread_local;

    /// The standard library's `OnceLock`, with a lock and a flag that loom sees.
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
}

/// The types that are the same in both builds: statics of the process, which loom's atomics cannot be; cells that are
/// set once; and the event on which threads of this crate wait, which no model of loom reaches. No modelled protocol
/// depends on the order of accesses to these types.
pub(crate) mod unmodelled {
    // Only threads of this crate wait for an event. On wasm32 no thread may wait.
    #[cfg(all(feature = "scope", not(target_family = "wasm")))]
    pub(crate) use event_listener::{Event, IntoNotification, Listener, listener};
    #[cfg(feature = "scope")]
    pub(crate) use std::sync::LazyLock;
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::AtomicU64;
}

pub(crate) use imp::*;
pub(crate) use locks::*;

#[cfg(cancelable_loom)]
pub(crate) use loom::thread::ThreadId;
#[cfg(not(cancelable_loom))]
pub(crate) use std::thread::ThreadId;

/// Returns the number of the calling thread, which is the same at each call. Numbers are given in the order of the
/// first calls.
#[cfg(not(cancelable_loom))]
pub(crate) fn thread_number() -> usize {
    use std::cell::Cell;
    // Outside loom's model: no protocol depends on this counter.
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
        // The thread is ending: any number is right.
        .unwrap_or(0)
}

/// Returns the number of the calling thread of a loom model.
///
/// loom's threads share one thread of the system, and its atomics cannot be static. A number has to be the same in
/// each run of a model. The text of a thread's identity is the same; the identity is not.
#[cfg(cancelable_loom)]
pub(crate) fn thread_number() -> usize {
    let text = format!("{:?}", thread_id());
    text.bytes().map(usize::from).sum()
}

/// Returns the identity of the calling thread.
pub(crate) fn thread_id() -> ThreadId {
    #[cfg(not(cancelable_loom))]
    return std::thread::current().id();
    #[cfg(cancelable_loom)]
    return loom::thread::current().id();
}
