//! The operation that runs here: what a run puts in place for as long as it polls.

use super::span::InSpan;
use super::{Operation, Record};
use crate::cause::OperationLabel;
use crate::cause::ambient::{self, Ambient, Running};
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

/// The innermost operation that the caller runs in, if there is one.
///
/// It follows the polls: wherever a task goes, on whichever runtime and thread, the code below a
/// scope's `run` finds that scope's operation here.
///
/// # Examples
///
/// ```
/// assert!(cancelable_core::current().is_none());
/// ```
#[must_use]
pub fn current() -> Option<Operation> {
    let handle = ambient::current()?.handle;
    // Nothing else than a record is ever put there.
    let record = handle.into_any().downcast::<Record>();
    record.ok().map(Operation::new)
}

impl Running for Record {
    fn label(&self) -> &OperationLabel {
        &self.label
    }

    fn now(&self) -> Option<Instant> {
        Self::now(self)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    #[cfg(feature = "tracing")]
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Record {
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
            shielded: false,
        };
        let span = InSpan::enter(Some(&entry));
        *slot = ambient::replace(entry);
        Inside { slot, _span: span }
    }
}

impl Record {
    /// [`enter_here`](Self::enter_here) for code that no run of this operation polls. Inside a shield of
    /// this operation, or of one below it, the code is in that still.
    pub(super) fn enter_from_elsewhere<'a>(
        self: &Arc<Self>,
        slot: &'a mut Option<Ambient>,
    ) -> Inside<'a> {
        let present = ambient::current().filter(|present| present.shielded);
        let here = present.and_then(|present| present.handle.into_any().downcast::<Self>().ok());
        let inside = self.enter_here(slot);
        let is_in_shield =
            here.is_some_and(|here| here.lineage().any(|record| std::ptr::eq(record, &**self)));
        if is_in_shield {
            ambient::set_shielded(true);
        }
        inside
    }
}

/// Whether what is opened as a part of `parent` here is shielded from its cancel, because the code
/// that runs here does so inside a shield of `parent` or of something below it.
pub(crate) fn is_shielded_from(parent: &Operation) -> bool {
    let Some(ambient) = ambient::current() else {
        return false;
    };
    let Ok(here) = ambient.handle.into_any().downcast::<Record>() else {
        return false;
    };
    let mut crossed = ambient.shielded;
    if !crossed && !here.sheltered {
        return false;
    }
    for record in here.lineage() {
        if std::ptr::eq(record, &**parent.record()) {
            return crossed;
        }
        crossed |= record.isolated;
    }
    false
}

impl Record {
    /// This record and all that it is a part of, whether or not it is bound by them.
    pub(crate) fn lineage(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |record| record.parent.as_deref())
    }

    /// Whether the code that runs here does so inside this operation.
    pub(crate) fn runs_here(&self) -> bool {
        current().is_some_and(|here| {
            here.record
                .lineage()
                .any(|record| std::ptr::eq(record, self))
        })
    }

    /// The innermost operation that runs here, if this is it or above it, and this one else: what
    /// a shield that is opened here has to protect.
    pub(super) fn innermost(self: &Arc<Self>) -> Arc<Self> {
        let here = current().map(|operation| operation.record);
        let inside = here.filter(|here| {
            here.lineage()
                .any(|record| std::ptr::eq(record, &raw const **self))
        });
        inside.unwrap_or_else(|| Arc::clone(self))
    }
}

/// While it lives, the entry from the slot is the thread's, and the slot keeps the one before.
pub(crate) struct Inside<'a> {
    slot: &'a mut Option<Ambient>,
    _span: InSpan,
}

/// In a drop, so that a panic puts back what was there, too.
impl Drop for Inside<'_> {
    fn drop(&mut self) {
        ambient::swap(self.slot);
    }
}

/// While it lives, this thread's entry is marked as shielded.
pub(crate) struct Shielded {
    before: bool,
}

impl Shielded {
    pub(crate) fn enter() -> Self {
        Self {
            before: ambient::set_shielded(true),
        }
    }
}

/// As above. Entries that were put in place meanwhile are gone again, so it is the same one.
impl Drop for Shielded {
    fn drop(&mut self) {
        ambient::set_shielded(self.before);
    }
}
