//! What a shield gives to the scopes that are opened inside it: no cancel and no deadline from above reaches
//! them, for as long as the shield is open.
//!
//! A scope may be carried out of the shield that it was opened in, and its run be polled anywhere or nowhere. So
//! the shelter knows who was opened inside and has not ended; when it ends, each of them is bound again by what
//! it is a part of, as if it had been opened outside. A finalizer is a shield in this, too.
//!
//! One lock, and nothing else is done under it.

use super::Record;
use super::deadlines::line_changed;
use crate::cause::OperationId;
use crate::cause::ambient::{self, Ambient};
use crate::sync::{Mutex, NumberMap, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

pub(crate) struct Shelter {
    state: Mutex<State>,
    /// When the shield or one around it ends at the latest; none without a limit.
    until: Option<Instant>,
    /// The shield of the same operation that it was opened in.
    outer: Option<Arc<Self>>,
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// Weak: a record holds the shelter that it was opened in.
    inside: NumberMap<OperationId, Weak<Record>>,
}

impl Shelter {
    pub(crate) fn is_open(&self) -> bool {
        !self.state.lock().is_over
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The one around all others: what is opened inside is out of shelter only when this ends.
    pub(crate) fn outermost(&self) -> &Self {
        std::iter::successors(Some(self), |shelter| shelter.outer.as_deref())
            .last()
            .unwrap_or(self)
    }

    /// Notes who was opened inside.
    pub(crate) fn admit(&self, record: &Arc<Record>) {
        let is_over = {
            let mut state = self.state.lock();
            if !state.is_over {
                let inside = Arc::downgrade(record);
                state.inside.insert(record.label.id(), inside);
            }
            state.is_over
        };
        if is_over {
            record.be_bound();
        }
    }

    /// Forgets one that has ended.
    pub(crate) fn leave(&self, id: OperationId) {
        let gone = self.state.lock().inside.remove(&id);
        drop(gone);
    }

    /// Gives no shelter any more.
    pub(crate) fn end(&self) {
        let inside = {
            let mut state = self.state.lock();
            state.is_over = true;
            std::mem::take(&mut state.inside)
        };
        for record in inside.into_values().filter_map(|record| record.upgrade()) {
            record.be_bound();
        }
    }
}

/// A shelter that ends when this is dropped.
pub(crate) struct OpenShelter(Arc<Shelter>);

impl OpenShelter {
    /// A shelter of what is polled here, until `until` at the latest.
    pub(crate) fn new(until: Option<Instant>) -> Self {
        let outer = ambient::current().and_then(|ambient| of(&ambient));
        let around = outer.as_ref().and_then(|outer| outer.until);
        Self(Arc::new(Shelter {
            state: Mutex::default(),
            until: until.into_iter().chain(around).min(),
            outer,
        }))
    }

    pub(crate) fn shelter(&self) -> &Arc<Shelter> {
        &self.0
    }
}

impl Drop for OpenShelter {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The innermost shelter that an entry is marked with.
pub(crate) fn of(ambient: &Ambient) -> Option<Arc<Shelter>> {
    // Nothing else than a shelter is ever put there.
    ambient.shelter.clone()?.downcast().ok()
}

impl Record {
    /// Whether no cancel and no deadline from above reaches it.
    pub(crate) fn is_isolated(&self) -> bool {
        // Relaxed: what follows of a change comes by the token above and by a call of the run.
        self.isolated.load(Ordering::Relaxed)
    }

    /// Is bound from now on by what it is a part of. A cancel that has come there arrives now.
    fn be_bound(self: &Arc<Self>) {
        let Some(parent) = &self.parent else { return };
        if self.status().is_closed() {
            return;
        }
        self.isolated.store(false, Ordering::Relaxed);
        line_changed();
        // Weak: the token above keeps the callback, and may outlive this by far.
        let record = Arc::downgrade(self);
        let registration = parent.token().on_cancel(move |cause| {
            if let Some(record) = record.upgrade() {
                record.cancel(cause.clone().inherited());
            }
        });
        let mut registration = Some(registration);
        {
            let mut inner = self.inner.lock();
            if !inner.settled {
                let aside = inner.aside.get_or_insert_default();
                aside.bound = registration.take();
            }
        }
        if let Some(late) = registration {
            // Without waiting for a callback that runs, which may wait for this operation.
            late.unregister();
        }
        // For the deadlines above.
        self.call_runner();
    }
}
