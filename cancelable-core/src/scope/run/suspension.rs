//! The suspension of a run between two polls: what it registers, so that others can wait for it, wake it or take it
//! over.

use super::teardown::Teardown;
use crate::cause::ambient::Ambient;
use crate::operation::Status;
use crate::record::away::{self, Away};
use crate::record::holds::{self, Hold};
use crate::record::{Record, Turn, lifecycle};
use crate::sync::LatchWait;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Empty in most runs: they have nothing open when they are pending.
#[derive(Default)]
pub(super) struct Suspension(Option<Box<Registered>>);

struct Registered {
    turn: Arc<Turn>,
    /// The hold on the body that polls this run.
    hold: Option<Hold>,
    /// The entry with an ancestor, where its body does not poll this run.
    away: Option<Away>,
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
            Some(registered) => match registered.turn.begin() {
                Ok(None) => Ok(()),
                Ok(parked) => {
                    *teardown = Teardown::unpark(parked);
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
        if self.0.is_some() || holds::has_open(record) || away::is_away(record, before) {
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
            Box::new(Registered {
                turn: away::new_turn(record),
                hold: None,
                away: None,
                settled: None,
            })
        });
        holds::keep(record, &mut registered.hold, &registered.turn, before, cx);
        if !away::is_away(record, before) {
            registered.away = None;
        } else if registered.away.is_none() {
            registered.away = away::go_away(record, &registered.turn);
        }
        registered.turn.end(teardown.park(), end, cx);
    }

    /// Ready when the detached teardown of a run that was taken over has ended.
    ///
    /// Wakes: by the latch, which is set when the operation is settled.
    pub(super) fn poll_taken_over(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let Some(registered) = &mut self.0 else {
            return Poll::Ready(());
        };
        registered.hold = None;
        registered.away = None;
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
