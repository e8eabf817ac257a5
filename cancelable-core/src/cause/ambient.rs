//! The operation that runs on this thread right now.
//!
//! It stands this low so that a token can note who cancelled it without knowing what an operation
//! is. The scope swaps its own entry in before it polls anything and out afterwards, so a poll
//! moves a pointer and touches no reference count.

use super::{Cause, Mark, OperationLabel, Stamp};
use crate::sync::{clock, isolate};
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

/// What can be the running operation.
pub(crate) trait Running: Send + Sync {
    fn label(&self) -> &OperationLabel;

    /// The time by the clock of its runtime, if it has one.
    fn now(&self) -> Option<Instant>;

    /// The mark for an error that it gives out with `cause`; none where that is not what it is cancelled for.
    fn mark(&self, cause: &Cause) -> Option<Mark>;

    /// The same handle, for whoever knows the type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// Returns the operation's span, while it is open.
    #[cfg(feature = "tracing")]
    fn span(&self) -> Option<Arc<tracing::Span>>;
}

/// The running operation. It says itself what it is called, so that a poll moves little.
#[derive(Clone)]
pub(crate) struct Ambient {
    pub(crate) handle: Arc<dyn Running>,
    /// What is polled now is shielded: a cancel of the operation does not reach what it opens as long as this
    /// is open. The outermost one, for whoever knows the type.
    pub(crate) shelter: Option<Arc<dyn Any + Send + Sync>>,
}

impl Ambient {
    /// Whether it is the entry of `running`.
    pub(crate) fn is_of<T>(&self, running: &Arc<T>) -> bool {
        // By the address alone: the other half of the pointer may differ between two crates.
        Arc::as_ptr(&self.handle).cast::<()>() == Arc::as_ptr(running).cast::<()>()
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.shelter.is_some()
    }

    /// The time by the clock of the operation's runtime, if it has one.
    pub(crate) fn now(&self) -> Option<Instant> {
        let mut now = None;
        isolate("the clock of a runtime", || now = self.handle.now());
        now
    }
}

impl Cause {
    /// Fills in what only the moment of cancelling knows, where it is not known yet: a cause that
    /// comes from another token keeps what that one has. `now` is by the clock of a runtime.
    pub(crate) fn stamped(self, now: impl FnOnce() -> Instant) -> Self {
        if self.is_stamped() {
            return self;
        }
        let at = self.facts.at.unwrap_or_else(now);
        self.fill(at, label(), Stamp::Set)
    }

    /// [`stamped`](Self::stamped) where no runtime is known: by the clock of the operation that runs here,
    /// or else the system's.
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

// The threads of a model are no threads of the system, and two of them may poll a run.
#[cfg(cancelable_loom)]
crate::sync::thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = RefCell::new(None);
}

/// Puts `ambient` in the place of the entry of this thread, which is given back.
pub(crate) fn replace(ambient: Ambient) -> Option<Ambient> {
    // As for `swap`.
    CURRENT
        .try_with(|current| current.borrow_mut().replace(ambient))
        .ok()
        .flatten()
}

/// Exchanges this thread's entry with `slot`. A thread that is ending keeps none.
pub(crate) fn swap(slot: &mut Option<Ambient>) {
    // No code of a user runs under the borrow: the exchange is two moves.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), slot));
}

/// This thread's entry.
pub(crate) fn current() -> Option<Ambient> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Whether there is an entry on this thread.
pub(crate) fn is_set() -> bool {
    CURRENT
        .try_with(|current| current.borrow().is_some())
        .unwrap_or(false)
}

/// Whether the entry of this thread is that of `running`, and whether it is shielded; none if it is another.
pub(crate) fn glance<T>(running: &Arc<T>) -> Option<bool> {
    CURRENT
        .try_with(|current| {
            let current = current.borrow();
            let here = current.as_ref().filter(|here| here.is_of(running));
            here.map(Ambient::is_shielded)
        })
        .ok()
        .flatten()
}

/// Marks this thread's entry, if there is one, with `shelter`, or takes its mark away. What it was marked
/// with is given back.
pub(crate) fn mark(
    shelter: Option<Arc<dyn Any + Send + Sync>>,
) -> Option<Arc<dyn Any + Send + Sync>> {
    let mut shelter = shelter;
    // Exchanged, so that what is dropped is dropped after the borrow.
    let _ = CURRENT.try_with(|current| {
        if let Some(ambient) = &mut *current.borrow_mut() {
            std::mem::swap(&mut ambient.shelter, &mut shelter);
        }
    });
    shelter
}

/// The mark of the operation that runs on this thread, for an error that says that it was cancelled for `cause`.
pub(crate) fn stop_mark(cause: &Cause) -> Option<Mark> {
    current()?.handle.mark(cause)
}

/// What the operation that runs on this thread is called.
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
