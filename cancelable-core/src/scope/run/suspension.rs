//! The suspension of a run between two polls: what it registers, so that others can wait for it, wake it or take it
//! over.

use super::teardown::Teardown;
use crate::cause::ambient::Ambient;
use crate::operation::Status;
use crate::record::leases::{self, LeaseGuard};
use crate::record::outside_runs::{self, OutsideGuard};
use crate::record::{Record, Takeover, lifecycle};
use crate::sync::LatchWait;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Empty in most runs: they have nothing open when they are pending.
#[derive(Default)]
pub(super) struct Suspension(Option<Box<Open>>);

struct Open {
    takeover: Arc<Takeover>,
    /// The lease on the body that polls this run.
    lease: Option<LeaseGuard>,
    /// The entry with an ancestor, where its body does not poll this run.
    outside: Option<OutsideGuard>,
    /// The end of a run that was taken over.
    settled: Option<LatchWait>,
}

/// The run was taken over.
pub(super) struct TakenOver;

impl Suspension {
    /// Begins a poll or the drop of the run.
    ///
    /// # Errors
    ///
    /// The run was taken over.
    #[inline]
    pub(super) fn resume(&mut self, teardown: &mut Teardown) -> Result<(), TakenOver> {
        match &self.0 {
            None => Ok(()),
            Some(registered) => match registered.takeover.begin_poll() {
                Ok(None) => Ok(()),
                Ok(finalizer) => {
                    *teardown = Teardown::resume(finalizer);
                    Ok(())
                }
                Err(()) => Err(TakenOver),
            },
        }
    }

    /// Ends a poll that answers pending. `end` is how the operation ends if the run is taken over.
    #[inline]
    pub(super) fn suspend(
        &mut self,
        record: &Arc<Record>,
        before: Option<&Ambient>,
        teardown: &mut Teardown,
        end: Status,
        cx: &Context<'_>,
    ) {
        if self.0.is_some()
            || leases::has_open_work(record)
            || outside_runs::is_outside(record, before)
        {
            self.register(record, before, teardown, end, cx);
        }
    }

    #[cold]
    fn register(
        &mut self,
        record: &Arc<Record>,
        before: Option<&Ambient>,
        teardown: &mut Teardown,
        end: Status,
        cx: &Context<'_>,
    ) {
        let registered = self.0.get_or_insert_with(|| {
            Box::new(Open {
                takeover: outside_runs::new_takeover(record),
                lease: None,
                outside: None,
                settled: None,
            })
        });
        leases::renew(
            record,
            &mut registered.lease,
            &registered.takeover,
            before,
            cx,
        );
        if !outside_runs::is_outside(record, before) {
            registered.outside = None;
        } else if registered.outside.is_none() {
            registered.outside = outside_runs::list(record, &registered.takeover);
        }
        registered.takeover.end_poll(teardown.suspend(), end, cx);
    }

    /// Ready when the detached teardown of a run that was taken over has ended.
    ///
    /// Wakes: by the latch, which is set when the operation is settled.
    pub(super) fn poll_taken_over(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let Some(registered) = &mut self.0 else {
            return Poll::Ready(());
        };
        registered.lease = None;
        registered.outside = None;
        if registered.settled.is_none() {
            registered.settled = lifecycle::wait_settled(record);
        }
        match &mut registered.settled {
            Some(settled) => Pin::new(settled).poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Withdraws everything.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}
