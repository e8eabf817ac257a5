//! The shelter of a shield: no cancel and no deadline from above reaches the scopes that are opened inside it, for as
//! long as the shield is open.
//!
//! A scope may be carried out of the shield that it was opened in, and its run be polled anywhere or nowhere. So
//! the shelter lists what was opened inside and has not ended, by an opaque handle `H`; when it ends, `shelters.rs`
//! binds each of them again to what it is a part of, as if it had been opened outside. A finalizer is a
//! shield in this, too.
//!
//! One lock, and nothing else is done under it.

use crate::cause::OperationId;
use crate::sync::{Mutex, NumberMap};
use std::sync::Arc;
use std::time::Instant;

pub(crate) struct Shelter<H> {
    state: Mutex<State<H>>,
    /// When the shield or one around it ends at the latest; none without a limit.
    until: Option<Instant>,
    /// The shield of the same operation that it was opened in.
    outer: Option<Arc<Self>>,
}

struct State<H> {
    is_over: bool,
    inside: NumberMap<OperationId, H>,
}

impl<H> Shelter<H> {
    /// A shelter until `until` at the latest, inside of `outer`.
    pub(super) fn new(until: Option<Instant>, outer: Option<Arc<Self>>) -> Self {
        let around = outer.as_ref().and_then(|outer| outer.until);
        Self {
            state: Mutex::new(State {
                is_over: false,
                inside: NumberMap::new(),
            }),
            until: until.into_iter().chain(around).min(),
            outer,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.state.lock().is_over
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The one around all others: what is opened inside is out of shelter only when this ends.
    pub(super) fn outermost(&self) -> &Self {
        std::iter::successors(Some(self), |shelter| shelter.outer.as_deref())
            .last()
            .unwrap_or(self)
    }

    /// Lists what was opened inside. False if the shelter has ended.
    pub(super) fn insert(&self, id: OperationId, handle: H) -> bool {
        let mut state = self.state.lock();
        if !state.is_over {
            state.inside.insert(id, handle);
        }
        !state.is_over
    }

    /// Forgets an operation that has ended.
    pub(super) fn remove(&self, id: OperationId) {
        let gone = self.state.lock().inside.remove(&id);
        drop(gone);
    }

    /// Gives no shelter any more, and returns what has to be bound again.
    pub(super) fn end(&self) -> impl Iterator<Item = H> + use<H> {
        let mut state = self.state.lock();
        state.is_over = true;
        std::mem::take(&mut state.inside).into_values()
    }
}
