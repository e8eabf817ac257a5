//! The watchdog: a task that reports unfinished work after a cancel. The cancel starts the task, because the run itself
//! may be stuck.

use crate::operation::{Finished, Operation};
use crate::record::options::Watchdog;
use crate::record::{Record, stragglers};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::{isolate, log};
use crate::token::CallbackRegistration;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Registers the start of the watchdog at a cancel of the scope.
pub(super) fn arm(record: &Arc<Record>, watchdog: &Watchdog) -> CallbackRegistration {
    let watchdog = watchdog.clone();
    record.on_cancel(|record, _| {
        if let Some(runtime) = record.runtime.clone() {
            let task = WatchdogTask::new(record, &runtime, watchdog);
            runtime.spawn(task).detach();
        }
    })
}

/// The task of the watchdog. Ends with the scope or after its report, whichever is first.
struct WatchdogTask {
    record: Arc<Record>,
    closed: Finished,
    sleep: Sleep,
    watchdog: Watchdog,
}

impl WatchdogTask {
    fn new(record: &Arc<Record>, runtime: &RuntimeHandle, watchdog: Watchdog) -> Self {
        Self {
            record: Arc::clone(record),
            closed: Operation::new(Arc::clone(record)).finished(),
            sleep: runtime.sleep(watchdog.after),
            watchdog,
        }
    }
}

impl Future for WatchdogTask {
    type Output = ();

    /// Wakes: pending only after the end and the timer were both polled with this waker.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if Pin::new(&mut this.closed).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if Pin::new(&mut this.sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        report(&this.record, &this.watchdog);
        Poll::Ready(())
    }
}

fn report(record: &Arc<Record>, watchdog: &Watchdog) {
    let stragglers = stragglers::all(record);
    for straggler in &stragglers {
        log!(
            Warn,
            operation = &*record.label.shown_name(), id = record.label.id().get(),
            kind = straggler.kind().as_str(), location:% = straggler.location();
            "{} has not stopped: {straggler}", record.label
        );
    }
    if let Some(hook) = &watchdog.hook {
        isolate("the hook of a watchdog", || hook(&stragglers));
    }
}
