//! The grace period: the time that a cancelled body is given to end by itself.

use crate::record::Record;
use crate::record::grace::{self, GraceLeft};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::token::{CancellationToken, Wait, WaitForCancellationFutureOwned};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A grace period that is under way.
pub(super) struct GraceTimer {
    runtime: RuntimeHandle,
    /// Set to the end of the grace, as of the last poll.
    sleep: Sleep,
    /// Ends the grace at once, for this operation and for those below it.
    hard: WaitForCancellationFutureOwned,
    /// The cancel of the nearest ancestor that is not cancelled, which may shorten the grace.
    above: Option<AncestorCancel>,
}

/// A wait that reads no clock: the ancestor's run keeps its own time.
struct AncestorCancel {
    token: CancellationToken,
    wait: Wait,
}

impl Drop for AncestorCancel {
    fn drop(&mut self) {
        self.wait.remove(&self.token);
    }
}

impl GraceTimer {
    /// The grace of a record that was cancelled; `None` if it gives no grace.
    pub(super) fn open(record: &Record) -> Option<Self> {
        if !grace::has_grace(record) {
            return None;
        }
        let runtime = record.runtime.clone()?;
        Some(Self {
            sleep: runtime.sleep_until(None),
            runtime,
            hard: grace::hard_token(record).cancelled_owned(),
            above: None,
        })
    }

    /// Ready when the grace is over.
    ///
    /// Wakes: by the hard cancel, by the timer, which is set to the end of the grace as of this poll, and by the
    /// cancel of the next ancestor, the only event that may move that end. Ends: each turn but the last follows the
    /// cancel of one more ancestor.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if Pin::new(&mut self.hard).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let GraceLeft::Open { until, ancestor } = grace::left(record, self.runtime.now())
            else {
                return Poll::Ready(());
            };
            if self.sleep.deadline() != until {
                self.sleep.reset(until);
            }
            if Pin::new(&mut self.sleep).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(ancestor) = ancestor else {
                return Poll::Pending;
            };
            if self.poll_ancestor(ancestor, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_ancestor(&mut self, token: &CancellationToken, cx: &Context<'_>) -> Poll<()> {
        let same = self.above.take().filter(|above| above.token == *token);
        let above = self.above.insert(same.unwrap_or_else(|| AncestorCancel {
            token: token.clone(),
            wait: Wait::new(),
        }));
        above.wait.poll(&above.token, cx)
    }
}
