//! Shielding: the shields that the code on this thread runs in, and the end of a shield, which binds the scopes
//! that were opened inside to their ancestors again.

use super::own_deadline::advance_epoch;
use super::{Record, ShieldState, run_waker};
use crate::cause::ambient::{self, Ambient};
use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// A shield that ends when this is dropped.
pub(crate) struct ShieldGuard(Arc<ShieldState>);

impl ShieldGuard {
    /// Opens a shield around the code that is polled here, until `until` at the latest.
    pub(crate) fn new(until: Option<Instant>) -> Self {
        let outer = ambient::current().and_then(|ambient| of(&ambient));
        Self(Arc::new(ShieldState::new(until, outer)))
    }

    pub(crate) fn state(&self) -> &Arc<ShieldState> {
        &self.0
    }
}

impl Drop for ShieldGuard {
    fn drop(&mut self) {
        end(&self.0);
    }
}

/// Marks this thread's entry as shielded while it lives.
pub(crate) struct InShield {
    /// The mark of a shield around it.
    before: Option<Arc<dyn Any + Send + Sync>>,
}

impl InShield {
    pub(crate) fn enter(shield: &Arc<ShieldState>) -> Self {
        let shield = Arc::clone(shield);
        Self {
            before: ambient::replace_shield(Some(shield)),
        }
    }
}

/// Removes the mark in the drop, so that a panic removes the mark too. Entries that were swapped in meanwhile are
/// swapped out again, so the entry is the same.
impl Drop for InShield {
    fn drop(&mut self) {
        drop(ambient::replace_shield(self.before.take()));
    }
}

/// Returns the innermost shield that an entry is marked with.
fn of(ambient: &Ambient) -> Option<Arc<ShieldState>> {
    // The mark is always a `ShieldState`.
    ambient.shield.clone()?.downcast().ok()
}

/// Lists an operation with the shield that it was opened in, if there is one.
pub(super) fn insert(record: &Arc<Record>) {
    let Some(shield) = record.shields.opened_in() else {
        return;
    };
    let handle = Arc::downgrade(record);
    if !shield.outermost().insert(record.label.id(), handle) {
        bind(record);
    }
}

/// Removes an operation that has ended from that list.
pub(super) fn remove(record: &Record) {
    if let Some(shield) = record.shields.opened_in() {
        shield.outermost().remove(record.label.id());
    }
}

/// Ends a shield.
pub(super) fn end(shield: &ShieldState) {
    let inside = shield.end();
    for record in inside.filter_map(|record: Weak<Record>| record.upgrade()) {
        bind(&record);
    }
}

/// Binds an operation to its ancestors. An earlier cancel of the parent arrives now.
fn bind(record: &Arc<Record>) {
    let Some(parent) = &record.parent else { return };
    if record.status().is_terminal() {
        return;
    }
    record.shields.set_bound();
    advance_epoch();
    // Weak: the parent's token keeps the callback, and may live much longer.
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
            rare.shields.parent_cancel = registration.take();
        }
    }
    if let Some(late) = registration {
        // Does not wait for a running callback, which may wait for this operation.
        late.unregister();
    }
    // For the deadlines of the ancestors.
    run_waker::wake_run(record);
}

/// Returns the shield that isolates an operation opened here as a child of `parent`. The operation is isolated if
/// this code runs inside a shield of `parent` or of an operation inside `parent`. If there are several such
/// shields, the nearest to `parent` isolates; if several are nested in one operation, the innermost.
pub(crate) fn shield_from(parent: &Record) -> Option<Arc<ShieldState>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    let mut shield = of(&ambient);
    if shield.is_none() && !here.shields.is_shielded() {
        return None;
    }
    for record in here.with_ancestors() {
        if std::ptr::eq(record, parent) {
            return shield.filter(|shield| shield.outermost().is_open());
        }
        if let Some(outer) = record.shields.isolated_by() {
            shield = Some(Arc::clone(outer));
        }
    }
    None
}

/// Returns the latest end of the shields around the code that runs here, up to `record`. `None` without such a
/// shield, and `Some(None)` if none of them has a limit.
fn shielded_until(record: &Record) -> Option<Option<Instant>> {
    let ambient = ambient::current()?;
    let here = Record::of(&ambient)?;
    let mut crossed = of(&ambient).map(|shield| shield.until());
    for inner in here.with_ancestors() {
        if std::ptr::eq(inner, record) {
            return crossed;
        }
        if let Some(shield) = inner.shields.isolated_by() {
            let limits = crossed.flatten().into_iter().chain(shield.until());
            crossed = Some(limits.min());
        }
    }
    None
}

/// Returns the time by which the calling code has to be done with its work for this operation. The time is
/// `deadline`. In a shield or a finalizer, which the deadline does not reach, the time is the limit of the
/// shield.
pub(crate) fn limit_here(record: &Record, deadline: Option<Instant>) -> Option<Instant> {
    let deadline = match shielded_until(record) {
        Some(until) => until,
        None => deadline,
    };
    // A shield with a limit drops everything that runs in it, also operations of other parents.
    let shields = record.with_ancestors();
    let shields = shields.filter_map(|record| record.shields.isolated_by()?.until());
    deadline.into_iter().chain(shields).min()
}
