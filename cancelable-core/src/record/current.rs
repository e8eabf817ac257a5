//! The current operation of a thread: the ambient entry that a run swaps in while it is polled.

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
    /// Returns the innermost operation that the caller runs in, if there is one.
    pub(crate) fn current() -> Option<Arc<Self>> {
        Self::of(&ambient::current()?)
    }

    /// Returns the operation of an entry.
    pub(crate) fn of(ambient: &Ambient) -> Option<Arc<Self>> {
        // The handle is always a record.
        Arc::clone(&ambient.handle).into_any().downcast().ok()
    }

    /// Returns whether the code that runs here runs inside this operation.
    pub(crate) fn runs_here(&self) -> bool {
        Self::current().is_some_and(|here| here.is_within(self))
    }

    /// Returns the innermost operation that runs here, which a shield that is polled here has to protect. `None`
    /// if the code that runs here does not run inside this operation.
    pub(crate) fn innermost(&self) -> Option<Arc<Self>> {
        Self::current().filter(|here| here.is_within(self))
    }

    /// Makes this operation the thread's current operation until the returned guard is dropped.
    ///
    /// The slot is empty at the first call. Between calls it keeps the entry of the operation.
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
            shield: None,
        };
        let span = InSpan::enter(Some(&entry));
        *slot = ambient::replace(entry);
        Inside { slot, _span: span }
    }

    /// Enters the operation as [`enter_here`](Self::enter_here) does, for code that is not polled by a run of
    /// this operation. If the caller is inside a shield of this operation or of a descendant, the code stays
    /// inside that shield.
    pub(crate) fn enter_from_elsewhere<'a>(
        self: &Arc<Self>,
        slot: &'a mut Option<Ambient>,
    ) -> Inside<'a> {
        let present = ambient::current();
        let here = present.as_ref().and_then(Self::of);
        let inside = self.enter_here(slot);
        let is_inside = here.is_some_and(|here| here.is_within(self));
        let shield = present.filter(|_| is_inside);
        // Also without a shield: the entry may have the mark of an earlier call.
        drop(ambient::replace_shield(
            shield.and_then(|present| present.shield),
        ));
        inside
    }
}

/// Keeps the operation current while it lives. The slot has the previous entry.
pub(crate) struct Inside<'a> {
    slot: &'a mut Option<Ambient>,
    _span: InSpan,
}

impl Inside<'_> {
    /// Returns the previous entry: the entry of the operation whose body polls this operation, if there is such
    /// an operation.
    pub(crate) fn before(&self) -> Option<&Ambient> {
        self.slot.as_ref()
    }
}

/// A drop, so that a panic restores the previous entry too.
impl Drop for Inside<'_> {
    fn drop(&mut self) {
        ambient::swap(self.slot);
    }
}
