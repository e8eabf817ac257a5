//! Running a closure in a scope, on a plain thread.
//!
//! The closure keeps the thread that calls, so something else has to watch over it: a thread beside
//! it drives the scope as any run is driven, with a body that is pending until the closure is done.
//! That body can't be dropped by a cancel, as the closure can't, so it has a hold on itself as a shield
//! does. Everything else (sources, deadline, children, finalizers, status) is the run's.

use super::output::{Reading, may_be_stop};
use super::state_machine::Drive;
use crate::operation::{Hold, Holding, Record};
use crate::scope::{Outcome, Scope};
use crate::sync::{Event, Listener, Mutex, WakerSlot, block_on, listener, panic_text};
use std::any::type_name;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

impl Scope {
    /// Runs `body` on this thread, in the scope: for plain threads, outside async code.
    ///
    /// The scope is driven by a second thread meanwhile, so its deadline and its sources cancel it
    /// as they would in a [`run`](Self::run), on any runtime that it was built with; a program
    /// without one takes the adapter `cancelable-thread`. A cancel can't stop the
    /// closure: let it ask [`check`](crate::Operation::check), or wait by
    /// [`token().wait_timeout(..)`](crate::CancellationToken::wait_timeout). Its value counts
    /// although the scope was cancelled. If the scope is cancelled when it is entered, the closure is
    /// not run.
    ///
    /// Children and finalizers are waited for as in any run.
    ///
    /// # Panics
    ///
    /// If `body` panics, with its panic. If the system starts no thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("count").build()?;
    /// let token = scope.token().clone();
    /// let counted = std::thread::spawn(move || {
    ///     let outcome = scope.run_blocking(|op| (0_u64..).take_while(|_| op.check().is_ok()).count());
    ///     outcome.into_value()
    /// });
    /// token.cancel_with("enough");
    /// let counted = counted.join().expect("it has not panicked");
    /// println!("{counted:?} numbers until it was told to stop");
    /// # Ok(())
    /// # }
    /// ```
    pub fn run_blocking<F, T>(&self, body: F) -> Outcome<T>
    where
        F: FnOnce(&Self) -> T,
    {
        self.drive_beside(|op| Ok(body(op)))
    }

    /// [`run_blocking`](Self::run_blocking) for a closure that may fail: an error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// # Panics
    ///
    /// As for [`run_blocking`](Self::run_blocking).
    pub fn try_run_blocking<F, T, E>(&self, body: F) -> Outcome<T, E>
    where
        F: FnOnce(&Self) -> Result<T, E>,
    {
        self.drive_beside(body)
    }

    fn drive_beside<T, E>(&self, body: impl FnOnce(&Self) -> Result<T, E>) -> Outcome<T, E> {
        let handover = Handover::new();
        let mut output = None;
        let driven = thread::scope(|threads| {
            let driver = threads.spawn(|| {
                let _over = Over(&handover);
                let mut drive = pin!(Drive::new(self.for_run(), |op| handover.body(op)));
                block_on(poll_fn(|cx| drive.as_mut().poll::<Beside>(cx)))
            });
            if let Some(op) = handover.receive() {
                let record = op.record();
                let mut slot = None;
                let inside = record.enter_here(&mut slot);
                // Unwind safe: the panic goes on below, when the scope has closed.
                let done = catch_unwind(AssertUnwindSafe(|| body(&op)));
                drop(inside);
                handover.finish(match &done {
                    Ok(Ok(_)) => Done::Value,
                    Ok(Err(_)) if may_be_stop::<E>(record) => Done::Stopped,
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
            driver.join()
        });
        match (driven, output) {
            (_, Some(Err(panic))) => resume_unwind(panic),
            // The body below is the only code of the driver that panics, and it did for the closure.
            (Err(panic), _) => resume_unwind(panic),
            (Ok(outcome), Some(Ok(output))) => outcome.filled(Some(output)),
            (Ok(outcome), None) => outcome.filled(None),
        }
    }
}

/// How the closure ended. What it ended with stays on its own thread and need not be `Send`.
#[derive(Clone, Copy)]
enum Done {
    Value,
    Error,
    /// An error by which it says that it has stopped for the cancel.
    Stopped,
    Panic,
}

/// How the run reads what its body was told of the closure.
enum Beside {}

impl Reading<Done> for Beside {
    type Value = ();
    type Error = ();

    fn read(done: Done) -> Result<(), ()> {
        match Self::is_failure(&done) {
            true => Err(()),
            false => Ok(()),
        }
    }

    fn is_failure(done: &Done) -> bool {
        !matches!(done, Done::Value)
    }

    fn is_stop(done: &Done, _: &Record) -> bool {
        matches!(done, Done::Stopped)
    }
}

/// What passes between the two threads: first the scope's handle, when it is entered and not
/// cancelled; then the news that the closure is done.
struct Handover {
    state: Mutex<State>,
    /// Notified after each change of the state. The thread of the closure listens alone.
    changed: Event,
    driver: WakerSlot,
}

enum State {
    Unentered,
    Entered(Scope),
    Running,
    Done(Done),
    /// The run is over.
    Over,
}

impl Handover {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Unentered),
            changed: Event::new(),
            driver: WakerSlot::new(),
        })
    }

    fn set(&self, next: State) {
        let replaced = std::mem::replace(&mut *self.state.lock(), next);
        self.changed.notify(1);
        drop(replaced);
    }

    /// The body of the run, on the thread that drives.
    fn body(self: &Arc<Self>, op: Scope) -> Body {
        let record = Arc::clone(op.record());
        self.set(State::Entered(op));
        Body {
            handover: Arc::clone(self),
            record,
            hold: None,
        }
    }

    /// Waits for the scope's entry. None if the run ended without it.
    fn receive(&self) -> Option<Scope> {
        // Ends: the driver says that it is over at the latest. No change is missed: the thread listens before
        // it reads the state.
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
        self.driver.wake("the waker of a run");
    }
}

/// A drop, so that the other thread does not wait for a driver that panicked.
struct Over<'a>(&'a Handover);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(State::Over);
    }
}

/// Pending until the closure is done.
struct Body {
    handover: Arc<Handover>,
    record: Arc<Record>,
    /// Keeps the run from ending before the closure. From the first poll on, which follows at once.
    hold: Option<Hold>,
}

impl Future for Body {
    type Output = Done;

    /// Wakes: the waker is registered before the state is read, and the state is set before the
    /// waker is taken.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match &mut this.hold {
            Some(hold) => hold.note_poll(true, cx),
            None => {
                let record = Arc::clone(&this.record);
                this.hold = Some(Hold::open(record, Holding::Body, true, cx));
            }
        }
        this.handover.driver.register(cx.waker());
        let State::Done(done) = *this.handover.state.lock() else {
            return Poll::Pending;
        };
        this.hold = None;
        match done {
            // For the run to close as it does for a panic. It is told of once, by the closure's.
            Done::Panic => resume_unwind(Box::new("the closure panicked")),
            done => Poll::Ready(done),
        }
    }
}
