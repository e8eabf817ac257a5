//! Where a run lies, as its last poll found it: in the body that it holds, and whether the body of its parent is
//! not that one.

use super::teardown::WindUp;
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

/// Most runs have none of it: they have nothing open when they wait.
#[derive(Default)]
pub(super) struct Place(Option<Box<Held>>);

struct Held {
    turn: Arc<Turn>,
    hold: Option<Hold>,
    away: Option<Away>,
    /// Of a run that was taken over.
    settled: Option<LatchWait>,
}

/// A run was taken over.
pub(super) struct TakenOver;

impl Place {
    /// Begins a poll or the drop of the run.
    ///
    /// # Errors
    ///
    /// It was taken over.
    #[inline]
    pub(super) fn begin(&mut self, wind_up: &mut WindUp) -> Result<(), TakenOver> {
        match &self.0 {
            None => Ok(()),
            Some(held) => match held.turn.begin() {
                Ok(None) => Ok(()),
                Ok(parked) => {
                    *wind_up = WindUp::unpark(parked);
                    Ok(())
                }
                Err(()) => Err(TakenOver),
            },
        }
    }

    /// Ends a poll that answers pending. `end` is how the operation ends if nothing else comes.
    #[inline]
    pub(super) fn keep(
        &mut self,
        record: &Arc<Record>,
        before: Option<&Ambient>,
        wind_up: &mut WindUp,
        end: Status,
        cx: &Context<'_>,
    ) {
        if self.0.is_some() || holds::has_open(record) || away::is_away(record, before) {
            self.keep_held(record, before, wind_up, end, cx);
        }
    }

    #[cold]
    fn keep_held(
        &mut self,
        record: &Arc<Record>,
        before: Option<&Ambient>,
        wind_up: &mut WindUp,
        end: Status,
        cx: &Context<'_>,
    ) {
        let held = self.0.get_or_insert_with(|| {
            Box::new(Held {
                turn: away::new_turn(record),
                hold: None,
                away: None,
                settled: None,
            })
        });
        holds::keep(record, &mut held.hold, &held.turn, before, cx);
        if !away::is_away(record, before) {
            held.away = None;
        } else if held.away.is_none() {
            held.away = away::go_away(record, &held.turn);
        }
        held.turn.end(wind_up.park(), end, cx);
    }

    /// Ready when all that was taken over has ended.
    pub(super) fn poll_settled(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let Some(held) = &mut self.0 else {
            return Poll::Ready(());
        };
        held.hold = None;
        held.away = None;
        if held.settled.is_none() {
            held.settled = lifecycle::wait_settled(record);
        }
        match &mut held.settled {
            Some(settled) => Pin::new(settled).poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Holds nothing any more.
    pub(super) fn leave(&mut self) {
        self.0 = None;
    }
}
