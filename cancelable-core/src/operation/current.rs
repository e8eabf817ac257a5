//! The operation that runs here: what a run puts in place for as long as it polls.

use super::shelter::Shelter;
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
    Record::of(&ambient::current()?).map(Operation::new)
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
            shelter: None,
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
        let present = ambient::current();
        let here = present.as_ref().and_then(Self::of);
        let inside = self.enter_here(slot);
        if let Some(shelter) = present.and_then(|present| present.shelter) {
            if here.is_some_and(|here| here.is_part_of(self)) {
                ambient::shelter(shelter);
            }
        }
        inside
    }
}

/// Whether what is opened as a part of `parent` here is shielded from its cancel, because the code
/// that runs here does so inside a shield of `parent` or of something below it.
pub(crate) fn is_shielded_from(parent: &Operation) -> bool {
    shelter_from(parent).is_some()
}

/// What shields it, as above: the outermost shield, since it is out of all of them only then.
pub(crate) fn shelter_from(parent: &Operation) -> Option<Arc<Shelter>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    // Nothing else than a shelter is ever put there.
    let mut shelter = ambient
        .shelter
        .and_then(|any| any.downcast::<Shelter>().ok());
    if shelter.is_none() && !here.sheltered {
        return None;
    }
    for record in here.lineage() {
        if std::ptr::eq(record, &**parent.record()) {
            return shelter.filter(|shelter| shelter.is_open());
        }
        if let (true, Some(outer)) = (record.is_isolated(), &record.shelter) {
            shelter = Some(Arc::clone(outer));
        }
    }
    None
}

impl Record {
    /// This record and all that it is a part of, whether or not it is bound by them.
    pub(crate) fn lineage(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |record| record.parent.as_deref())
    }

    /// The operation whose entry it is.
    pub(crate) fn of(ambient: &Ambient) -> Option<Arc<Self>> {
        // Nothing else than a record is ever put there.
        Arc::clone(&ambient.handle).into_any().downcast().ok()
    }

    /// Whether it is `above` or a part of it.
    pub(crate) fn is_part_of(&self, above: &Self) -> bool {
        self.lineage().any(|record| std::ptr::eq(record, above))
    }

    /// Whether the code that runs here does so inside this operation.
    pub(crate) fn runs_here(&self) -> bool {
        current().is_some_and(|here| {
            here.record
                .lineage()
                .any(|record| std::ptr::eq(record, self))
        })
    }

    /// The innermost operation that runs here, if this is it or above it: what a shield that is polled here has
    /// to protect. None where the code that runs here does not do so inside this operation.
    pub(super) fn innermost(&self) -> Option<Arc<Self>> {
        let here = current()?.into_record();
        here.is_part_of(self).then_some(here)
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

/// While it lives, this thread's entry is marked as shielded.
pub(crate) struct Shielded {
    /// The mark is of this one, and not of a shield around it.
    is_outermost: bool,
}

impl Shielded {
    pub(crate) fn enter(shelter: &Arc<Shelter>) -> Self {
        let shelter = Arc::clone(shelter);
        Self {
            is_outermost: ambient::shelter(shelter),
        }
    }
}

/// As above. Entries that were put in place meanwhile are gone again, so it is the same one.
impl Drop for Shielded {
    fn drop(&mut self) {
        if self.is_outermost {
            ambient::unshelter();
        }
    }
}
