//! The listeners of a registry: its readers of events and its hooks.
//!
//! Most registries have no listener, and then a change costs one load.

use super::event::Event;
use super::event_queue::{EventQueue, Pushed};
use crate::operation::Hooks;
use crate::sync::{AtomicU8, Mutex, Ordering};
use std::fmt;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Listeners {
    /// Replaced as a whole, so that a call takes a reference and leaves the lock.
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
    /// Acquire: pairs with the store in `change`. The lists themselves are read under the lock all the
    /// same; see `RegistryObserver::wants_cancels` for why no change is missed.
    fn is_present(&self, kinds: u8) -> bool {
        self.present.load(Ordering::Acquire) & kinds != 0
    }

    /// Whether a cancel is to be delivered at once.
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
        // With no lock held: hooks are user code, and this may drop the last reference to some.
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

    /// [`push`](Self::push) inside `bracket`, which may hold a lock for the order of events. Readers
    /// are woken, and dropped events go, after `bracket`.
    pub(super) fn push_inside(
        &self,
        bracket: impl FnOnce(&mut dyn FnMut()),
        event: impl Fn() -> Event,
    ) {
        if !self.is_present(QUEUES) {
            return bracket(&mut || {});
        }
        let lists = self.lists();
        // No event is made and no memory taken under the lock of the bracket.
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

/// Keeps hooks in a registry for as long as the guard lives, from
/// [`Registry::add_hooks`](super::Registry::add_hooks).
#[must_use = "the hooks are called only as long as the guard lives; `detach` leaves them in place"]
pub struct HooksGuard {
    listeners: Arc<Listeners>,
    /// None once they are detached.
    hooks: Option<Arc<Hooks>>,
}

impl HooksGuard {
    /// Leaves the hooks in place for as long as the registry is used, by a handle or by an open
    /// operation. Then they are called for all parts of that operation too.
    pub fn detach(mut self) {
        self.hooks = None;
    }
}

/// Does not wait for a hook that is running.
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
