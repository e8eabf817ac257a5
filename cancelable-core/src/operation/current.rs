//! The operation that runs here: what a run puts in place for as long as it polls.

use super::Operation;
use crate::cause::ambient::{self, Ambient, Running};
use crate::cause::{Cause, Mark, OperationLabel};
use crate::record::Record;
use crate::record::shelter;
use crate::record::shelter::Shelter;
use crate::record::span::InSpan;
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

    fn mark(&self, cause: &Cause) -> Option<Mark> {
        self.give_mark(cause)
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
    pub(crate) fn enter_from_elsewhere<'a>(
        self: &Arc<Self>,
        slot: &'a mut Option<Ambient>,
    ) -> Inside<'a> {
        let present = ambient::current();
        let here = present.as_ref().and_then(Self::of);
        let inside = self.enter_here(slot);
        let is_below = here.is_some_and(|here| here.is_part_of(self));
        let shelter = present.filter(|_| is_below);
        // Also where it is none: the entry keeps the mark of the time before.
        drop(ambient::replace_shelter(
            shelter.and_then(|present| present.shelter),
        ));
        inside
    }
}

/// Whether what is opened as a part of `parent` here is shielded from its cancel, because the code
/// that runs here does so inside a shield of `parent` or of something below it.
pub(crate) fn is_shielded_from(parent: &Operation) -> bool {
    shelter_from(parent).is_some()
}

/// What shields it, as above: the shield that is nearest to `parent`, or the innermost of several that are in
/// each other there.
pub(crate) fn shelter_from(parent: &Operation) -> Option<Arc<Shelter>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    let mut shelter = shelter::of(&ambient);
    if shelter.is_none() && !here.sheltered {
        return None;
    }
    for record in here.lineage() {
        if std::ptr::eq(record, &**parent.record()) {
            return shelter.filter(|shelter| shelter.outermost().is_open());
        }
        if let (true, Some(outer)) = (record.is_isolated(), &record.shelter) {
            shelter = Some(Arc::clone(outer));
        }
    }
    None
}

/// When the shields end that code here runs in, if it runs in any of `record` or of something below: none if
/// it does not, and `Some(None)` if they have no limit.
fn shielded_until(record: &Record) -> Option<Option<Instant>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    let mut crossed = shelter::of(&ambient).map(|shelter| shelter.until());
    for below in here.lineage() {
        if std::ptr::eq(below, record) {
            return crossed;
        }
        if let (true, Some(shelter)) = (below.is_isolated(), &below.shelter) {
            let limits = crossed.flatten().into_iter().chain(shelter.until());
            crossed = Some(limits.min());
        }
    }
    None
}

impl Record {
    /// When the code that asks has to be done with what it does for this operation: by its deadline or, in a
    /// shield of it or a finalizer, which that does not reach, by the shield's own limit. `deadline` is
    /// what counts outside.
    pub(crate) fn limit_here(&self, deadline: Option<Instant>) -> Option<Instant> {
        let deadline = match shielded_until(self) {
            Some(until) => until,
            None => deadline,
        };
        // A shield with a limit drops what runs in it, whatever that was opened as.
        let shields = self.lineage().filter(|record| record.is_isolated());
        let shields = shields.filter_map(|record| record.shelter.as_ref()?.until());
        deadline.into_iter().chain(shields).min()
    }

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
    pub(crate) fn innermost(&self) -> Option<Arc<Self>> {
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
    /// The mark of a shield around it.
    before: Option<Arc<dyn Any + Send + Sync>>,
}

impl Shielded {
    pub(crate) fn enter(shelter: &Arc<Shelter>) -> Self {
        let shelter = Arc::clone(shelter);
        Self {
            before: ambient::replace_shelter(Some(shelter)),
        }
    }
}

/// As above. Entries that were put in place meanwhile are gone again, so it is the same one.
impl Drop for Shielded {
    fn drop(&mut self) {
        drop(ambient::replace_shelter(self.before.take()));
    }
}
