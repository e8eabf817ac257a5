//! The suspension of a run between two polls: the registrations by which others wait for it, wake it or take it over.

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

/// The registrations of a pending run. Most runs have none, because they have no open work when they are pending.
#[derive(Default)]
pub(super) struct Suspension(Option<Box<Open>>);

struct Open {
    takeover: Arc<Takeover>,
    /// The lease on the body that polls this run.
    lease: Option<LeaseGuard>,
    /// The entry with an ancestor whose body does not poll this run.
    outside: Option<OutsideGuard>,
    /// A wait for the end of the detached teardown, after a takeover.
    settled: Option<LatchWait>,
}

/// The error of a run that was taken over.
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
            Some(open) => match open.takeover.begin_poll() {
                Ok(None) => Ok(()),
                Ok(finalizer) => {
                    *teardown = Teardown::resume(finalizer);
                    Ok(())
                }
                Err(()) => Err(TakenOver),
            },
        }
    }

    /// Ends a pending poll. `end` is the status with which a takeover ends the operation.
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
        let open = self.0.get_or_insert_with(|| {
            Box::new(Open {
                takeover: outside_runs::new_takeover(record),
                lease: None,
                outside: None,
                settled: None,
            })
        });
        leases::renew(record, &mut open.lease, &open.takeover, before, cx);
        if !outside_runs::is_outside(record, before) {
            open.outside = None;
        } else if open.outside.is_none() {
            open.outside = outside_runs::list(record, &open.takeover);
        }
        open.takeover.end_poll(teardown.suspend(), end, cx);
    }

    /// Returns ready when the detached teardown has ended, after a takeover.
    ///
    /// Wakes: by the latch, which is set when the operation is settled.
    pub(super) fn poll_taken_over(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let Some(open) = &mut self.0 else {
            return Poll::Ready(());
        };
        open.lease = None;
        open.outside = None;
        if open.settled.is_none() {
            open.settled = lifecycle::wait_settled(record);
        }
        match &mut open.settled {
            Some(settled) => Pin::new(settled).poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Withdraws every registration.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}
