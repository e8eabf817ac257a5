//! The listeners of a registry: its readers of events and its hooks.
//!
//! Most registries have no listener. Then a change costs one load.

use super::event::Event;
use super::event_queue::{EventQueue, Pushed};
use crate::operation::Hooks;
use crate::sync::{AtomicU8, Mutex, Ordering};
use std::fmt;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Listeners {
    /// The lists of listeners. A change replaces both lists as a whole, so a call takes a reference and releases
    /// the lock.
    lists: Mutex<Arc<Lists>>,
    /// The kinds of listeners in the lists, as the bits below. Stored under the lock.
    present: AtomicU8,
}

#[derive(Clone, Default)]
struct Lists {
    queues: Vec<Arc<EventQueue>>,
    hooks: Vec<Arc<Hooks>>,
}

const QUEUES: u8 = 1;
const HOOKS: u8 = 2;
const CANCEL_HOOKS: u8 = 4;
const PROGRESS_HOOKS: u8 = 8;

impl Lists {
    fn present(&self) -> u8 {
        let bit = |is_present: bool, bit: u8| if is_present { bit } else { 0 };
        bit(!self.queues.is_empty(), QUEUES)
            | bit(!self.hooks.is_empty(), HOOKS)
            | bit(
                self.hooks.iter().any(|own| own.has_cancel_hook()),
                CANCEL_HOOKS,
            )
            | bit(
                self.hooks.iter().any(|own| own.has_progress_hook()),
                PROGRESS_HOOKS,
            )
    }
}

impl Listeners {
    /// Returns whether there is a listener of one of these kinds.
    ///
    /// Acquire: pairs with the store in `change`. The lists themselves are read under the lock. See
    /// `RegistryObserver::wants_cancels` for why no change is missed.
    fn is_present(&self, kinds: u8) -> bool {
        self.present.load(Ordering::Acquire) & kinds != 0
    }

    /// Returns whether a cancel is to be delivered at once.
    pub(super) fn wants_cancels(&self) -> bool {
        self.is_present(QUEUES | CANCEL_HOOKS)
    }

    pub(super) fn wants_progress(&self) -> bool {
        self.is_present(QUEUES | PROGRESS_HOOKS)
    }

    fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.lists.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Lists)) {
        let replaced = {
            let mut lists = self.lists.lock();
            let mut next = (**lists).clone();
            change(&mut next);
            self.present.store(next.present(), Ordering::Release);
            std::mem::replace(&mut *lists, Arc::new(next))
        };
        // With no lock held: this may drop the last reference to hooks, which are user code.
        drop(replaced);
    }

    pub(super) fn add_queue(&self, queue: &Arc<EventQueue>) {
        self.change(|lists| lists.queues.push(Arc::clone(queue)));
    }

    pub(super) fn remove_queue(&self, queue: &Arc<EventQueue>) {
        self.change(|lists| lists.queues.retain(|own| !Arc::ptr_eq(own, queue)));
    }

    pub(super) fn add_hooks(self: &Arc<Self>, hooks: Hooks) -> HooksGuard {
        let hooks = Arc::new(hooks);
        self.change(|lists| lists.hooks.push(Arc::clone(&hooks)));
        HooksGuard {
            listeners: Arc::clone(self),
            hooks: Some(hooks),
        }
    }

    /// Pushes an event to each queue. `event` is called only if there is a queue.
    pub(super) fn push(&self, event: impl Fn() -> Event) {
        if self.is_present(QUEUES) {
            for queue in &self.lists().queues {
                queue.push(event()).finish();
            }
        }
    }

    /// Pushes an event to each queue inside `bracket`, which may hold a lock for the order of events. Readers are
    /// woken and evicted events are dropped after `bracket`.
    pub(super) fn push_inside(
        &self,
        bracket: impl FnOnce(&mut dyn FnMut()),
        event: impl Fn() -> Event,
    ) {
        if !self.is_present(QUEUES) {
            return bracket(&mut || {});
        }
        let lists = self.lists();
        // Before the bracket: no event is made and no memory is allocated under its lock.
        let events: Vec<_> = lists.queues.iter().map(|_| event()).collect();
        let mut pushed: Vec<Pushed> = Vec::with_capacity(events.len());
        let mut events = events.into_iter();
        bracket(&mut || {
            let pairs = lists.queues.iter().zip(events.by_ref());
            pushed.extend(pairs.map(|(queue, event)| queue.push(event)));
        });
        pushed.into_iter().for_each(Pushed::finish);
    }

    pub(super) fn call_hooks(&self, call: impl Fn(&Hooks)) {
        if self.is_present(HOOKS) {
            for hooks in &self.lists().hooks {
                call(hooks);
            }
        }
    }
}

/// A guard that keeps hooks in a registry, from [`Registry::add_hooks`](super::Registry::add_hooks). The drop
/// removes the hooks.
///
/// # Examples
///
/// ```
/// use cancelable_core::operation::Hooks;
/// use cancelable_core::{Registry, Scope};
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::sync::Arc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let count = Arc::new(AtomicU32::new(0));
/// let counted = Arc::clone(&count);
/// let registry = Registry::new();
/// let guard = registry.add_hooks(Hooks::new().on_cancel_requested(move |_, _| {
///     counted.fetch_add(1, Ordering::Relaxed);
/// }));
/// Scope::builder("first").register_in(&registry).build()?.cancel();
/// drop(guard);
/// Scope::builder("second").register_in(&registry).build()?.cancel();
/// assert_eq!(count.load(Ordering::Relaxed), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "the drop of the guard removes the hooks; `detach` leaves them in place"]
pub struct HooksGuard {
    listeners: Arc<Listeners>,
    /// The hooks; `None` after `detach`.
    hooks: Option<Arc<Hooks>>,
}

impl HooksGuard {
    /// Leaves the hooks in place as long as there is a handle of the registry or an open operation in it. Such an
    /// operation keeps the hooks for its descendants too.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use cancelable_core::operation::Hooks;
    ///
    /// let hooks = Hooks::new().on_failed(|operation, error| {
    ///     eprintln!("{} failed: {error}", operation.name());
    /// });
    /// Registry::global().add_hooks(hooks).detach();
    /// ```
    pub fn detach(mut self) {
        self.hooks = None;
    }
}

/// Removes the hooks, without a wait for a hook that is running.
impl Drop for HooksGuard {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.take() {
            let is_other = |own: &Arc<Hooks>| !Arc::ptr_eq(own, &hooks);
            self.listeners.change(|lists| lists.hooks.retain(is_other));
        }
    }
}

impl fmt::Debug for HooksGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HooksGuard").finish_non_exhaustive()
    }
}

// As for `Shards`.
impl std::panic::UnwindSafe for Listeners {}
impl std::panic::RefUnwindSafe for Listeners {}
