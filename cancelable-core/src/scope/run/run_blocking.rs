//! The run of a closure in a scope, on a plain thread.
//!
//! The closure keeps the calling thread, so a second thread polls a run with a body that is pending until the closure is
//! done. A cancel cannot stop the closure and must not drop the body, so the body has a lease on itself, as a shield
//! does. The run does the rest: sources, deadline, children, finalizers, status.

use super::exit::{OutputKind, may_hold_cancelled};
use super::state_machine::StateMachine;
use crate::record::leases::LeaseGuard;
use crate::record::{LeaseHolder, Record};
use crate::scope::{Outcome, Scope};
use crate::sync::unmodelled::{Event, Listener, listener};
use crate::sync::{Mutex, WakerSlot, block_on, panic_text};
use std::any::type_name;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

/// Runs `body` on this thread, in the scope, while a second thread polls the run.
pub(crate) fn run_blocking<T, E>(
    scope: &Scope,
    body: impl FnOnce(&Scope) -> Result<T, E>,
) -> Outcome<T, E> {
    let handover = Handover::new();
    let mut output = None;
    let polled = thread::scope(|threads| {
        let poller = threads.spawn(|| {
            let _over = Over(&handover);
            let machine = StateMachine::new(scope.for_run(), |op| handover.body(op));
            let mut machine = pin!(machine);
            block_on(poll_fn(|cx| machine.as_mut().poll::<Beside>(cx)))
        });
        if let Some(op) = handover.receive() {
            let record = op.record();
            let mut slot = None;
            let inside = record.enter_here(&mut slot);
            // Unwind safe: the panic is resumed below, when the scope has closed.
            let done = catch_unwind(AssertUnwindSafe(|| body(&op)));
            drop(inside);
            handover.finish(match &done {
                Ok(Ok(_)) => Done::Value,
                Ok(Err(_)) if may_hold_cancelled::<E>(record) => Done::Stopped,
                Ok(Err(_)) => {
                    record.note_error(&format!("an error of type {}", type_name::<E>()));
                    Done::Error
                }
                Err(panic) => {
                    record.note_error(&format!("panicked: {}", panic_text(panic.as_ref())));
                    Done::Panic
                }
            });
            output = Some(done);
        }
        poller.join()
    });
    match (polled, output) {
        (_, Some(Err(panic))) => resume_unwind(panic),
        // The body below is the only code of the poller that panics. It panicked for the closure.
        (Err(panic), _) => resume_unwind(panic),
        (Ok(outcome), Some(Ok(output))) => outcome.filled(Some(output)),
        (Ok(outcome), None) => outcome.filled(None),
    }
}

/// The end of the closure. The output stays on the closure's thread and need not be `Send`.
#[derive(Clone, Copy)]
enum Done {
    Value,
    Error,
    /// An error that holds the `Cancelled` of the cancel.
    Stopped,
    Panic,
}

/// Reads the end of the closure as the output of the run's body.
enum Beside {}

impl OutputKind<Done> for Beside {
    type Value = ();
    type Error = ();

    fn into_result(done: Done) -> Result<(), ()> {
        match Self::is_error(&done) {
            true => Err(()),
            false => Ok(()),
        }
    }

    fn is_error(done: &Done) -> bool {
        !matches!(done, Done::Value)
    }

    fn holds_cancelled(done: &Done, _: &Record) -> bool {
        matches!(done, Done::Stopped)
    }
}

/// The state that the two threads share. The poller hands over the scope's handle once the scope is entered and not
/// cancelled. Later the closure's thread reports that the closure is done.
struct Handover {
    state: Mutex<State>,
    /// The event of changes of the state. Only the closure's thread listens.
    changed: Event,
    /// The waker of the poller.
    poller: WakerSlot,
}

enum State {
    Unentered,
    Entered(Scope),
    Running,
    Done(Done),
    /// The run has ended.
    Over,
}

impl Handover {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Unentered),
            changed: Event::new(),
            poller: WakerSlot::new(),
        })
    }

    fn set(&self, next: State) {
        let replaced = std::mem::replace(&mut *self.state.lock(), next);
        self.changed.notify(1);
        drop(replaced);
    }

    /// Returns the body of the run, on the polling thread.
    fn body(self: &Arc<Self>, op: Scope) -> Body {
        let record = Arc::clone(op.record());
        self.set(State::Entered(op));
        Body {
            handover: Arc::clone(self),
            record,
            lease: None,
        }
    }

    /// Waits until the scope is entered. `None` if the run ended without that.
    fn receive(&self) -> Option<Scope> {
        // Ends: the poller sets `Over` at the latest. No change is missed: this thread listens before it reads the
        // state.
        loop {
            listener!(self.changed => changed);
            {
                let mut state = self.state.lock();
                match std::mem::replace(&mut *state, State::Running) {
                    State::Entered(op) => return Some(op),
                    State::Over => return None,
                    other => *state = other,
                }
            }
            changed.wait();
        }
    }

    fn finish(&self, done: Done) {
        self.set(State::Done(done));
        self.poller.wake("the waker of a run");
    }
}

/// Sets `Over` on drop, so that the closure's thread does not wait for a poller that panicked.
struct Over<'a>(&'a Handover);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(State::Over);
    }
}

/// The body of the run, pending until the closure is done.
struct Body {
    handover: Arc<Handover>,
    record: Arc<Record>,
    /// The lease that keeps the run from ending before the closure. The first poll opens the lease, and follows
    /// the making of the future at once.
    lease: Option<LeaseGuard>,
}

impl Future for Body {
    type Output = Done;

    /// Wakes: the waker is registered before the state is read, and the state is set before the waker is taken.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match &mut this.lease {
            Some(lease) => lease.renew(true, cx),
            None => {
                let record = Arc::clone(&this.record);
                this.lease = Some(LeaseGuard::open(record, LeaseHolder::Body, true, cx));
            }
        }
        this.handover.poller.register(cx.waker());
        let State::Done(done) = *this.handover.state.lock() else {
            return Poll::Pending;
        };
        this.lease = None;
        match done {
            // The run then closes as for a panic. The caller gets the panic of the closure.
            Done::Panic => resume_unwind(Box::new("the closure panicked")),
            done => Poll::Ready(done),
        }
    }
}
