//! The state of one shield. While the shield is open, no cancel and no deadline of an ancestor reaches the scopes
//! that are opened inside it.
//!
//! A scope may be moved out of the shield that it was opened in, and its run may be polled anywhere or nowhere.
//! So the state lists the operations that were opened inside and have not ended, by an opaque handle `H`. When
//! the shield ends, `shielding.rs` binds each of them to its ancestors again, as if it had been opened outside. A
//! finalizer counts as a shield.
//!
//! There is one lock, and nothing else is done under it.

use crate::cause::OperationId;
use crate::sync::{Mutex, NumberMap};
use std::sync::Arc;
use std::time::Instant;

pub(crate) struct ShieldState<H> {
    state: Mutex<State<H>>,
    /// The limit of the shield: the earliest of its own limit and the limits of the shields around it. `None`
    /// without a limit.
    until: Option<Instant>,
    /// The shield around it in the same operation.
    outer: Option<Arc<Self>>,
}

struct State<H> {
    has_ended: bool,
    inside: NumberMap<OperationId, H>,
}

impl<H> ShieldState<H> {
    /// Returns the state of a shield inside `outer` that ends at `until` at the latest.
    pub(super) fn new(until: Option<Instant>, outer: Option<Arc<Self>>) -> Self {
        let around = outer.as_ref().and_then(|outer| outer.until);
        Self {
            state: Mutex::new(State {
                has_ended: false,
                inside: NumberMap::new(),
            }),
            until: until.into_iter().chain(around).min(),
            outer,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.state.lock().has_ended
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Returns the outermost shield around this shield. Operations opened inside are isolated until the end of
    /// that shield.
    pub(super) fn outermost(&self) -> &Self {
        std::iter::successors(Some(self), |shield| shield.outer.as_deref())
            .last()
            .unwrap_or(self)
    }

    /// Lists an operation that was opened inside. Returns false if the shield has ended.
    pub(super) fn insert(&self, id: OperationId, handle: H) -> bool {
        let mut state = self.state.lock();
        if !state.has_ended {
            state.inside.insert(id, handle);
        }
        !state.has_ended
    }

    /// Removes an operation that has ended.
    pub(super) fn remove(&self, id: OperationId) {
        let removed = self.state.lock().inside.remove(&id);
        drop(removed);
    }

    /// Ends the shield. Returns the operations that have to be bound again.
    pub(super) fn end(&self) -> impl Iterator<Item = H> + use<H> {
        let mut state = self.state.lock();
        state.has_ended = true;
        std::mem::take(&mut state.inside).into_values()
    }
}
