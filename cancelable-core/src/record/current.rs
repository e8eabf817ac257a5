//! The current operation of a thread: the entry that a run puts in place while it polls.

use super::Record;
use super::span::InSpan;
use crate::cause::ambient::{self, Ambient, Running};
use crate::cause::{Cause, Mark, OperationLabel};
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

impl Running for Record {
    fn label(&self) -> &OperationLabel {
        &self.label
    }

    fn now(&self) -> Option<Instant> {
        Self::now(self)
    }

    fn mark(&self, cause: &Cause) -> Option<Mark> {
        self.issue_mark(cause)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    #[cfg(feature = "tracing")]
    fn span(&self) -> Option<Arc<tracing::Span>> {
        self.inner.lock().span.get()
    }
}

impl Record {
    /// The innermost operation that the caller runs in, if there is one.
    pub(crate) fn current() -> Option<Arc<Self>> {
        Self::of(&ambient::current()?)
    }

    /// The operation whose entry it is.
    pub(crate) fn of(ambient: &Ambient) -> Option<Arc<Self>> {
        // Nothing else than a record is ever put there.
        Arc::clone(&ambient.handle).into_any().downcast().ok()
    }

    /// Whether the code that runs here does so inside this operation.
    pub(crate) fn runs_here(&self) -> bool {
        Self::current().is_some_and(|here| here.is_within(self))
    }

    /// The innermost operation that runs here, if this is it or above it: what a shield that is polled here has
    /// to protect. None where the code that runs here does not do so inside this operation.
    pub(crate) fn innermost(&self) -> Option<Arc<Self>> {
        Self::current().filter(|here| here.is_within(self))
    }

    /// Makes this operation the current one of the thread, until the answer is dropped.
    ///
    /// Its entry lies in the slot from the first time on, for which the slot is empty.
    #[inline]
    pub(crate) fn enter_here<'a>(self: &Arc<Self>, slot: &'a mut Option<Ambient>) -> Inside<'a> {
        if slot.is_none() {
            return self.enter_first(slot);
        }
        let span = InSpan::enter(slot.as_ref());
        ambient::swap(slot);
        Inside { slot, _span: span }
    }

    fn enter_first<'a>(self: &Arc<Self>, slot: &'a mut Option<Ambient>) -> Inside<'a> {
        let record = Arc::clone(self);
        let entry = Ambient {
            handle: record,
            shelter: None,
        };
        let span = InSpan::enter(Some(&entry));
        *slot = ambient::replace(entry);
        Inside { slot, _span: span }
    }

    /// [`enter_here`](Self::enter_here) for code that no run of this operation polls. Inside a shield of
    /// this operation, or of one below it, the code is in that still.
    pub(crate) fn enter_from_elsewhere<'a>(
        self: &Arc<Self>,
        slot: &'a mut Option<Ambient>,
    ) -> Inside<'a> {
        let present = ambient::current();
        let here = present.as_ref().and_then(Self::of);
        let inside = self.enter_here(slot);
        let is_below = here.is_some_and(|here| here.is_within(self));
        let shelter = present.filter(|_| is_below);
        // Also where it is none: the entry keeps the mark of the time before.
        drop(ambient::replace_shelter(
            shelter.and_then(|present| present.shelter),
        ));
        inside
    }
}

/// While it lives, the entry from the slot is the thread's, and the slot keeps the one before.
pub(crate) struct Inside<'a> {
    slot: &'a mut Option<Ambient>,
    _span: InSpan,
}

impl Inside<'_> {
    /// The entry that was current before: of the operation whose body polls this one, if one does.
    pub(crate) fn before(&self) -> Option<&Ambient> {
        self.slot.as_ref()
    }
}

/// In a drop, so that a panic puts back what was there, too.
impl Drop for Inside<'_> {
    fn drop(&mut self) {
        ambient::swap(self.slot);
    }
}
