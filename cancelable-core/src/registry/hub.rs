//! What the shards of a registry share: who listens, and the history.
//!
//! Most registries have no listener, and then a change costs one load.

use super::Event;
use super::history::History;
use super::queue::{Aftermath, Queue};
use super::shard::Shard;
use crate::operation::Hooks;
use crate::sync::unmodelled::OnceLock;
use crate::sync::{AtomicU8, Mutex, Ordering};
use std::sync::{Arc, Weak};

pub(super) struct Hub {
    shards: OnceLock<Box<[Weak<Shard>]>>,
    pub(super) history: History,
    /// Replaced as a whole, so that whoever tells something takes a reference and leaves the lock.
    listeners: Mutex<Arc<Listeners>>,
    /// Who is in the list: `QUEUES`, `HOOKS`, `CANCEL_HOOKS`, `PROGRESS_HOOKS`. Stored under its lock.
    present: AtomicU8,
}

#[derive(Clone, Default)]
struct Listeners {
    queues: Vec<Arc<Queue>>,
    hooks: Vec<Arc<Hooks>>,
}

const QUEUES: u8 = 1;
const HOOKS: u8 = 2;
const CANCEL_HOOKS: u8 = 4;
const PROGRESS_HOOKS: u8 = 8;

impl Listeners {
    fn present(&self) -> u8 {
        let cancel = self.hooks.iter().any(|hooks| hooks.has_cancel_hook());
        let progress = self.hooks.iter().any(|hooks| hooks.has_progress_hook());
        (if self.queues.is_empty() { 0 } else { QUEUES })
            | (if self.hooks.is_empty() { 0 } else { HOOKS })
            | (if cancel { CANCEL_HOOKS } else { 0 })
            | (if progress { PROGRESS_HOOKS } else { 0 })
    }
}

impl Hub {
    pub(super) fn new(history: History) -> Self {
        Self {
            shards: OnceLock::new(),
            history,
            listeners: Mutex::new(Arc::default()),
            present: AtomicU8::new(0),
        }
    }

    /// Once, when the registry is made.
    pub(super) fn introduce(&self, shards: Box<[Weak<Shard>]>) {
        let _ = self.shards.set(shards);
    }

    pub(super) fn shards(&self) -> &[Weak<Shard>] {
        self.shards.get().map_or(&[], |shards| shards)
    }

    /// Acquire: pairs with the store in `change`. What it is about is under the lock all the same;
    /// see `Shard::opened` for why no change is missed.
    fn is_present(&self, who: u8) -> bool {
        self.present.load(Ordering::Acquire) & who != 0
    }

    /// Whether a cancel is to be told of at once.
    pub(super) fn wants_cancels(&self) -> bool {
        self.is_present(QUEUES | CANCEL_HOOKS)
    }

    pub(super) fn wants_progress(&self) -> bool {
        self.is_present(QUEUES | PROGRESS_HOOKS)
    }

    fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.listeners.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Listeners)) {
        let replaced = {
            let mut listeners = self.listeners.lock();
            let mut next = (**listeners).clone();
            change(&mut next);
            self.present.store(next.present(), Ordering::Release);
            std::mem::replace(&mut *listeners, Arc::new(next))
        };
        // Hooks are a user's, and these may be the last to have them.
        drop(replaced);
    }

    pub(super) fn add_queue(&self, queue: &Arc<Queue>) {
        self.change(|listeners| listeners.queues.push(Arc::clone(queue)));
    }

    pub(super) fn remove_queue(&self, queue: &Arc<Queue>) {
        self.change(|listeners| listeners.queues.retain(|own| !Arc::ptr_eq(own, queue)));
    }

    pub(super) fn add_hooks(&self, hooks: &Arc<Hooks>) {
        self.change(|listeners| listeners.hooks.push(Arc::clone(hooks)));
    }

    pub(super) fn remove_hooks(&self, hooks: &Arc<Hooks>) {
        self.change(|listeners| listeners.hooks.retain(|own| !Arc::ptr_eq(own, hooks)));
    }

    /// Puts an event on each queue. It is made if there is one.
    pub(super) fn tell(&self, event: impl Fn() -> Event) {
        if !self.is_present(QUEUES) {
            return;
        }
        for queue in &self.listeners().queues {
            queue.push(event()).happen();
        }
    }

    /// [`tell`](Self::tell) with the pushes inside `bracket`, which may hold a lock for the order of
    /// events: what they set off comes after it.
    pub(super) fn tell_under(
        &self,
        bracket: impl FnOnce(&mut dyn FnMut()),
        event: impl Fn() -> Event,
    ) {
        if !self.is_present(QUEUES) {
            return bracket(&mut || {});
        }
        let listeners = self.listeners();
        // Made and given room before the lock of the bracket.
        let events: Vec<_> = listeners.queues.iter().map(|_| event()).collect();
        let mut aftermath: Vec<Aftermath> = Vec::with_capacity(events.len());
        let mut events = events.into_iter();
        bracket(&mut || {
            let told = listeners.queues.iter().zip(events.by_ref());
            aftermath.extend(told.map(|(queue, event)| queue.push(event)));
        });
        for after in aftermath {
            after.happen();
        }
    }

    /// Calls the hooks.
    pub(super) fn hooked(&self, call: impl Fn(&Hooks)) {
        if !self.is_present(HOOKS) {
            return;
        }
        for hooks in &self.listeners().hooks {
            call(hooks);
        }
    }
}
