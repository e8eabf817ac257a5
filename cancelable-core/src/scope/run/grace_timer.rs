//! The time that a cancelled body is given to end by itself.

use crate::operation::{Record, Window};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::token::{CancellationToken, Wait, WaitForCancellationFutureOwned};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A window of grace that is open.
pub(super) struct Grace {
    runtime: RuntimeHandle,
    /// Stands at the end of the window, as of the last look.
    sleep: Sleep,
    /// Ends the window at once, for this operation and for those below it.
    hard: WaitForCancellationFutureOwned,
    /// The cancel of the nearest operation above that is not cancelled: it may shorten the window.
    above: Option<Above>,
}

/// A wait that looks at no clock, as a user's does: the run above keeps its own time.
struct Above {
    token: CancellationToken,
    wait: Wait,
}

impl Drop for Above {
    fn drop(&mut self) {
        self.wait.remove(&self.token);
    }
}

impl Grace {
    /// The window of a record that was cancelled; none if it gives no grace.
    pub(super) fn open(record: &Record) -> Option<Self> {
        if !record.has_grace() {
            return None;
        }
        let runtime = record.runtime.clone()?;
        Some(Self {
            sleep: runtime.sleep_until(None),
            runtime,
            hard: record.hard_token().cancelled_owned(),
            above: None,
        })
    }

    /// Ready when the window is over.
    ///
    /// Wakes: by the hard cancel, by the timer, which stands at the end of the window as of this
    /// look, and by the cancel of the next operation above, the only thing that may move that end.
    /// Ends: each turn but the last follows the cancel of one more operation above.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if Pin::new(&mut self.hard).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Window::Open { until, above } = record.window(self.runtime.now()) else {
                return Poll::Ready(());
            };
            if self.sleep.deadline() != until {
                self.sleep.reset(until);
            }
            if Pin::new(&mut self.sleep).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(above) = above else {
                return Poll::Pending;
            };
            if self.poll_above(above, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_above(&mut self, token: &CancellationToken, cx: &Context<'_>) -> Poll<()> {
        let same = self.above.take().filter(|above| above.token == *token);
        let above = self.above.insert(same.unwrap_or_else(|| Above {
            token: token.clone(),
            wait: Wait::new(),
        }));
        above.wait.poll(&above.token, cx)
    }
}
