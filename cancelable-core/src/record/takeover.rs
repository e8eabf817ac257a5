//! The takeover of a run that is no longer polled.
//!
//! A run that is not polled by the body around it, such as a run in the body of a response, has no lease on that
//! body. Once the nearest ancestor that has not ended is cancelled, it waits in its join for the open work of the
//! run, as it waits for the orphans of a dropped run (`outside_runs.rs`). If the run is not polled although it
//! was woken, its children and finalizers are *taken over* (`scope/run/stalled.rs`): its operation is closed, and
//! its children and finalizers go on as those of a dropped run do. The body stays in its task, and is not polled
//! any more; the next poll or the drop of the run drops it.
//!
//! # Invariants
//!
//! 1. A run has a takeover state from its first pending answer with open work until it is closed. Its polls are
//!    between `begin_poll` and `end_poll`.
//! 2. A run is taken over between two polls, and once: both sides do that under the lock of this state. A run
//!    that finds itself taken over polls neither its body nor a finalizer, and hands over nothing when it is
//!    dropped.
//! 3. Runs in the body of a run are taken over before it, the innermost first, since they are not polled either.
//!    So each is on the list of the run around it in time.
//! 4. A running finalizer is stored here while the run is not polled.
//!
//! # Wakes and locks
//!
//! A run leaves the list of the operation that waits for it before it wakes that operation; see `awaited` in
//! `outside_runs.rs`. The lock here is taken alone, and no user code runs under it.

use crate::cause::OperationId;
use crate::report::Status;
use crate::sync::{Mutex, WakerSlot};
use std::any::Any;
use std::sync::Arc;
use std::task::Context;

/// A finalizer that has begun, in a run that is not being polled. Its type is known to the scope only.
pub(crate) type SuspendedFinalizer = Box<dyn Any + Send>;

/// The takeover state of one run. `H` is an opaque handle to its operation.
pub(crate) struct Takeover<H> {
    id: OperationId,
    handle: H,
    state: Mutex<State>,
    /// The waker of the task that polled the run last.
    waker: WakerSlot,
}

struct State {
    stage: Stage,
    polls: u64,
    finalizer: Option<SuspendedFinalizer>,
    /// The end of the operation if the run is taken over.
    end: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Polled,
    Waiting,
    TakenOver,
}

impl<H> Takeover<H> {
    pub(super) fn new(id: OperationId, handle: H) -> Arc<Self> {
        Arc::new(Self {
            id,
            handle,
            state: Mutex::new(State {
                stage: Stage::Polled,
                polls: 0,
                finalizer: None,
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

    /// Begins a poll or the drop of the run. Returns the finalizer that was stored.
    ///
    /// # Errors
    ///
    /// The run was taken over.
    pub(crate) fn begin_poll(&self) -> Result<Option<SuspendedFinalizer>, ()> {
        let mut state = self.state.lock();
        if state.stage == Stage::TakenOver {
            return Err(());
        }
        state.stage = Stage::Polled;
        state.polls += 1;
        Ok(state.finalizer.take())
    }

    /// Ends a poll that answers pending.
    pub(crate) fn end_poll(
        &self,
        finalizer: Option<SuspendedFinalizer>,
        end: Status,
        cx: &Context<'_>,
    ) {
        self.waker.register(cx.waker());
        let mut state = self.state.lock();
        state.stage = Stage::Waiting;
        state.finalizer = finalizer;
        state.end = end;
    }

    /// Returns the number of polls, and whether the run is being polled right now.
    pub(crate) fn polls(&self) -> (u64, bool) {
        let state = self.state.lock();
        (state.polls, state.stage == Stage::Polled)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake("the waker of a run that is not polled");
    }

    /// Takes over the run. Returns the stored finalizer and the end of the operation; `None` if the run is being
    /// polled right now, or was polled after it had been polled `polls` times.
    pub(super) fn take_over(
        &self,
        polls: Option<u64>,
    ) -> Option<(Option<SuspendedFinalizer>, Status)> {
        let mut state = self.state.lock();
        let is_same = polls.is_none_or(|polls| polls == state.polls);
        if state.stage != Stage::Waiting || !is_same {
            return None;
        }
        state.stage = Stage::TakenOver;
        Some((state.finalizer.take(), state.end))
    }
}
