//! The shelters that the code on this thread runs in, and the end of a shelter: the scopes that were opened inside are
//! bound by their ancestors again.

use super::own_deadline::line_changed;
use super::{Record, Shelter, run_waker};
use crate::cause::ambient::{self, Ambient};
use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// A shelter that ends when this is dropped.
pub(crate) struct OpenShelter(Arc<Shelter>);

impl OpenShelter {
    /// A shelter of what is polled here, until `until` at the latest.
    pub(crate) fn new(until: Option<Instant>) -> Self {
        let outer = ambient::current().and_then(|ambient| of(&ambient));
        Self(Arc::new(Shelter::new(until, outer)))
    }

    pub(crate) fn shelter(&self) -> &Arc<Shelter> {
        &self.0
    }
}

impl Drop for OpenShelter {
    fn drop(&mut self) {
        end(&self.0);
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

/// In a drop, so that a panic takes the mark away, too. Entries that were put in place meanwhile are gone again, so
/// it is the same one.
impl Drop for Shielded {
    fn drop(&mut self) {
        drop(ambient::replace_shelter(self.before.take()));
    }
}

/// The innermost shelter that an entry is marked with.
fn of(ambient: &Ambient) -> Option<Arc<Shelter>> {
    // Nothing else than a shelter is ever put there.
    ambient.shelter.clone()?.downcast().ok()
}

/// Lists an operation with the shelter that it was opened in, if there is one.
pub(super) fn enlist(record: &Arc<Record>) {
    let Some(shelter) = record.shields.shelter() else {
        return;
    };
    let handle = Arc::downgrade(record);
    if !shelter.outermost().insert(record.label.id(), handle) {
        bind(record);
    }
}

/// Has that shelter forget an operation that has ended.
pub(super) fn leave(record: &Record) {
    if let Some(shelter) = record.shields.shelter() {
        shelter.outermost().remove(record.label.id());
    }
}

/// Ends a shelter.
pub(super) fn end(shelter: &Shelter) {
    let inside = shelter.end();
    for record in inside.filter_map(|record: Weak<Record>| record.upgrade()) {
        bind(&record);
    }
}

/// Binds an operation from now on by what it is a part of. A cancel that has come there arrives now.
fn bind(record: &Arc<Record>) {
    let Some(parent) = &record.parent else { return };
    if record.status().is_terminal() {
        return;
    }
    record.shields.set_bound();
    line_changed();
    // Weak: the token above keeps the callback, and may outlive this by far.
    let bound = Arc::downgrade(record);
    let registration = parent.token().on_cancel(move |cause| {
        if let Some(record) = bound.upgrade() {
            record.cancel(cause.clone().inherited());
        }
    });
    let mut registration = Some(registration);
    {
        let mut inner = record.inner.lock();
        if !record.is_settled_in(&inner) {
            let rare = inner.rare.get_or_insert_default();
            rare.shields.bound = registration.take();
        }
    }
    if let Some(late) = registration {
        // Without waiting for a callback that runs, which may wait for this operation.
        late.unregister();
    }
    // For the deadlines above.
    run_waker::wake_run(record);
}

/// The shield that what is opened here as a part of `parent` is shielded by, because the code that runs here does so
/// inside a shield of `parent` or of something below it: the shield that is nearest to `parent`, or the innermost of
/// several that are in each other there.
pub(crate) fn shelter_from(parent: &Record) -> Option<Arc<Shelter>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    let mut shelter = of(&ambient);
    if shelter.is_none() && !here.shields.is_sheltered() {
        return None;
    }
    for record in here.with_ancestors() {
        if std::ptr::eq(record, parent) {
            return shelter.filter(|shelter| shelter.outermost().is_open());
        }
        if let Some(outer) = record.shields.isolating() {
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
    let mut crossed = of(&ambient).map(|shelter| shelter.until());
    for below in here.with_ancestors() {
        if std::ptr::eq(below, record) {
            return crossed;
        }
        if let Some(shelter) = below.shields.isolating() {
            let limits = crossed.flatten().into_iter().chain(shelter.until());
            crossed = Some(limits.min());
        }
    }
    None
}

/// When the code that asks has to be done with what it does for this operation: by its deadline or, in a
/// shield of it or a finalizer, which that does not reach, by the shield's own limit. `deadline` is
/// what counts outside.
pub(crate) fn limit_here(record: &Record, deadline: Option<Instant>) -> Option<Instant> {
    let deadline = match shielded_until(record) {
        Some(until) => until,
        None => deadline,
    };
    // A shield with a limit drops what runs in it, whatever that was opened as.
    let shields = record.with_ancestors();
    let shields = shields.filter_map(|record| record.shields.isolating()?.until());
    deadline.into_iter().chain(shields).min()
}
