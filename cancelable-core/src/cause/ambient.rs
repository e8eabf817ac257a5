//! The operation that runs on this thread.
//!
//! This module does not import `operation`, so that a token can record the operation that cancelled it. A scope
//! swaps its entry in before it polls user code, and out after that. So a poll moves a few words and changes no
//! reference count.

use super::{Cause, Mark, OperationLabel, Stamp};
use crate::sync::{clock, isolate};
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

/// An operation, as the ambient entry sees it.
pub(crate) trait Running: Send + Sync {
    fn label(&self) -> &OperationLabel;

    /// Returns the time of the runtime's clock; `None` without a runtime.
    fn now(&self) -> Option<Instant>;

    /// Returns the mark for an error that the operation gives out with `cause`; `None` if it is not cancelled
    /// for that cause.
    fn mark(&self, cause: &Cause) -> Option<Mark>;

    /// Returns the same handle as an `Any`, for a caller that knows the type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// Returns the operation's span, while it is open.
    #[cfg(feature = "tracing")]
    fn span(&self) -> Option<Arc<tracing::Span>>;
}

/// The entry of a thread: the running operation. Without a copy of the label, so that a poll moves little.
#[derive(Clone)]
pub(crate) struct Ambient {
    pub(crate) handle: Arc<dyn Running>,
    /// The outermost shield around the code that is polled now. While the shield is open, a cancel of the operation
    /// does not reach the scopes that this code opens. An `Any`, for a caller that knows the type.
    pub(crate) shield: Option<Arc<dyn Any + Send + Sync>>,
}

impl Ambient {
    /// Returns whether this is the entry of `running`.
    pub(crate) fn is_of<T>(&self, running: &Arc<T>) -> bool {
        // Compares addresses only: the vtable half of the pointer may differ between two crates.
        Arc::as_ptr(&self.handle).cast::<()>() == Arc::as_ptr(running).cast::<()>()
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.shield.is_some()
    }

    /// Returns the time of the operation's clock, if it has a runtime.
    pub(crate) fn now(&self) -> Option<Instant> {
        let mut now = None;
        isolate("the clock of a runtime", || now = self.handle.now());
        now
    }
}

impl Cause {
    /// Stamps the cause at its first cancel: fills in the time and the operation where they are missing. A
    /// cause that comes from another token keeps its stamp. `now` reads the clock of a runtime.
    pub(crate) fn stamped(self, now: impl FnOnce() -> Instant) -> Self {
        if self.is_stamped() {
            return self;
        }
        let at = self.facts.at.unwrap_or_else(now);
        self.fill(at, label(), Stamp::Set)
    }

    /// Returns the cause with the present time, as [`stamped`](Self::stamped) does, by the clock of this thread's
    /// operation, or else of the system.
    pub(crate) fn stamped_here(self) -> Self {
        if self.is_stamped() {
            return self;
        }
        let here = current();
        let operation = here.as_ref().map(|here| here.handle.label().clone());
        let given = self.facts.at;
        let (at, stamp) = match given.or_else(|| here?.now()) {
            Some(at) => (at, Stamp::Set),
            None => (clock::now(), Stamp::BySystem),
        };
        self.fill(at, operation, stamp)
    }
}

#[cfg(not(cancelable_loom))]
thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

// Threads of a model are not threads of the system, and two of them may poll a run.
#[cfg(cancelable_loom)]
crate::sync::thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = RefCell::new(None);
}

/// Replaces this thread's entry by `ambient`, and returns the previous one.
pub(crate) fn replace(ambient: Ambient) -> Option<Ambient> {
    // No user code runs under the borrow.
    CURRENT
        .try_with(|current| current.borrow_mut().replace(ambient))
        .ok()
        .flatten()
}

/// Swaps this thread's entry with `slot`. A thread that is ending has no entry.
pub(crate) fn swap(slot: &mut Option<Ambient>) {
    // No user code runs under the borrow: the swap is two moves.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), slot));
}

/// Returns this thread's entry.
pub(crate) fn current() -> Option<Ambient> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Returns whether this thread has an entry.
pub(crate) fn is_set() -> bool {
    CURRENT
        .try_with(|current| current.borrow().is_some())
        .unwrap_or(false)
}

/// Returns whether `running` is shielded here; `None` if this thread's entry is not that of `running`.
pub(crate) fn is_shielded_in<T>(running: &Arc<T>) -> Option<bool> {
    CURRENT
        .try_with(|current| {
            let current = current.borrow();
            let here = current.as_ref().filter(|here| here.is_of(running));
            here.map(Ambient::is_shielded)
        })
        .ok()
        .flatten()
}

/// Replaces the shield in this thread's entry, if there is an entry. Returns the previous one.
pub(crate) fn replace_shield(
    shield: Option<Arc<dyn Any + Send + Sync>>,
) -> Option<Arc<dyn Any + Send + Sync>> {
    let mut shield = shield;
    // Swapped, so that the previous one is dropped after the borrow.
    let _ = CURRENT.try_with(|current| {
        if let Some(ambient) = &mut *current.borrow_mut() {
            std::mem::swap(&mut ambient.shield, &mut shield);
        }
    });
    shield
}

/// Returns the mark of this thread's operation, for an error that reports a cancel with `cause`.
pub(crate) fn cancel_mark(cause: &Cause) -> Option<Mark> {
    current()?.handle.mark(cause)
}

/// Returns the label of this thread's operation.
pub(crate) fn label() -> Option<OperationLabel> {
    CURRENT
        .try_with(|current| {
            current
                .borrow()
                .as_ref()
                .map(|ambient| ambient.handle.label().clone())
        })
        .ok()
        .flatten()
}
