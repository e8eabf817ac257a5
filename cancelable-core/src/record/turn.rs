//! The turn of a run: who waits for what the run has left open. It is the turn of the run itself as long as somebody
//! polls that. Otherwise it is the turn of a task, which does what follows the drop of a run.
//!
//! The body of a run that another task polls, such as that of a response, holds nobody's body. The nearest
//! operation above that has not ended waits for what that run has open, once it is cancelled itself: at its join,
//! as it waits for what a dropped run has left. If nobody polls the run although it was woken, its children and
//! finalizers are *taken over* (`scope/run/stalled.rs`): its operation is closed, and they go on as those of a dropped
//! run do. Its body is where it was, and is dropped by the next poll or with the run; it is polled no more.
//!
//! # Invariants
//!
//! 1. A run has a turn from the first pending answer on with which it has something open, and gives it back when
//!    it is closed. Its polls are inside `begin` and `end`.
//! 2. It is taken over between two polls, and once: both sides do that under the lock of the turn. A run that
//!    finds itself taken over polls neither its body nor a finalizer, and hands over nothing when it is dropped.
//! 3. What lies in the body of a run that is taken over is taken over before it, the innermost first, since
//!    nobody polls that either. So it is on the list of the one around it in time.
//! 4. A finalizer under way lies in the turn while nobody polls the run.
//!
//! # Wakes and locks
//!
//! The run leaves the list of the operation that waits for it before it wakes that; see `runs_away` in `holds.rs`. The
//! lock of a turn is taken alone, and no user code runs under it.

use crate::cause::OperationId;
use crate::report::Status;
use crate::sync::{Mutex, WakerSlot};
use std::any::Any;
use std::sync::Arc;
use std::task::Context;

/// A finalizer under way. The type is erased: the room above knows it.
pub(crate) type Parked = Box<dyn Any + Send>;

/// The turn of one run. `H` is an opaque handle to its operation.
pub(crate) struct Turn<H> {
    id: OperationId,
    handle: H,
    state: Mutex<State>,
    /// Of the task that polled it last.
    waker: WakerSlot,
}

struct State {
    stage: Stage,
    polls: u64,
    parked: Option<Parked>,
    /// The end of the operation if the run is taken over.
    end: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Polled,
    Waiting,
    TakenOver,
}

impl<H> Turn<H> {
    pub(super) fn new(id: OperationId, handle: H) -> Arc<Self> {
        Arc::new(Self {
            id,
            handle,
            state: Mutex::new(State {
                stage: Stage::Polled,
                polls: 0,
                parked: None,
                end: Status::Cancelled,
            }),
            waker: WakerSlot::new(),
        })
    }

    pub(super) fn id(&self) -> OperationId {
        self.id
    }

    pub(super) fn handle(&self) -> &H {
        &self.handle
    }

    /// Begins a poll or the drop of the run, and gives back what was parked.
    ///
    /// # Errors
    ///
    /// It was taken over.
    pub(crate) fn begin(&self) -> Result<Option<Parked>, ()> {
        let mut state = self.state.lock();
        if state.stage == Stage::TakenOver {
            return Err(());
        }
        state.stage = Stage::Polled;
        state.polls += 1;
        Ok(state.parked.take())
    }

    /// Ends a poll that answers pending.
    pub(crate) fn end(&self, parked: Option<Parked>, end: Status, cx: &Context<'_>) {
        self.waker.register(cx.waker());
        let mut state = self.state.lock();
        state.stage = Stage::Waiting;
        state.parked = parked;
        state.end = end;
    }

    /// How often it was polled, and whether it is so right now.
    pub(crate) fn polls(&self) -> (u64, bool) {
        let state = self.state.lock();
        (state.polls, state.stage == Stage::Polled)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake("the waker of a run that is not polled");
    }

    /// Takes over what was parked, and how the operation ends; none if the run is polled right now, or has been since
    /// it was polled `polls` times.
    pub(super) fn take_over(&self, polls: Option<u64>) -> Option<(Option<Parked>, Status)> {
        let mut state = self.state.lock();
        let is_same = polls.is_none_or(|polls| polls == state.polls);
        if state.stage != Stage::Waiting || !is_same {
            return None;
        }
        state.stage = Stage::TakenOver;
        Some((state.parked.take(), state.end))
    }
}
