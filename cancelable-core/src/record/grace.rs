//! How long a cancelled body may go on: its own grace, clamped to what each cancelled operation
//! above leaves.

use super::Record;
use crate::cause::Cause;
use crate::token::{CallbackRegistration, CancellationToken};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is left of the grace of a cancelled operation.
pub(crate) enum Window<'a> {
    /// Nothing, or nothing any more.
    Over,
    Open {
        /// When it ends; none is never.
        until: Option<Instant>,
        /// The token of the nearest operation above that is not cancelled. Its cancel may shorten
        /// the window, and only that.
        above: Option<&'a CancellationToken>,
    },
}

impl Record {
    /// Whether its own policy lets the body go on after a cancel at all.
    pub(crate) fn has_grace(&self) -> bool {
        !self.grace().is_zero()
    }

    fn grace(&self) -> Duration {
        self.policy
            .as_ref()
            .map_or(Duration::ZERO, |policy| policy.grace)
    }

    /// The window, as seen at `now`. It asks for the operation to be cancelled.
    ///
    /// The cancelled operations are the lower part of the line, so the first one that is not
    /// cancelled is all that has to be watched for changes.
    pub(crate) fn window(&self, now: Instant) -> Window<'_> {
        let mut until = None;
        for record in self.line() {
            if !record.is_cancelled() {
                return Window::Open {
                    until,
                    above: Some(record.token()),
                };
            }
            let grace = record.grace();
            if grace.is_zero() {
                return Window::Over;
            }
            let end = record.stopping_since(now).checked_add(grace);
            until = match (until, end) {
                (Some(until), Some(end)) => Some(end.min(until)),
                (until, end) => until.or(end),
            };
        }
        Window::Open { until, above: None }
    }

    /// When the operation was cancelled, by the clock of its runtime: now, if nobody saw it before.
    pub(crate) fn stopping_since(&self, now: Instant) -> Instant {
        self.with_aside(|aside| *aside.stopping_since.get_or_insert(now))
    }

    /// Has the time of the cancel noted by whoever cancels. The cause does not tell it: the token
    /// that it comes from may have had another clock.
    pub(crate) fn note_cancel(self: &Arc<Self>) -> CallbackRegistration {
        let record = Arc::downgrade(self);
        self.token().on_cancel(move |cause| {
            let Some(record) = record.upgrade() else {
                return;
            };
            if cause.is_end_of(&record.label) {
                return;
            }
            if let Some(now) = record.now() {
                record.stopping_since(now);
            }
        })
    }

    /// How much of the grace is left; `None` while it is not cancelled.
    pub(crate) fn grace_remaining(&self) -> Option<Duration> {
        if !self.is_cancelled() {
            return None;
        }
        if self.status().is_closed() || self.hard_token().is_cancelled() {
            return Some(Duration::ZERO);
        }
        let Some(now) = self.now() else {
            return Some(Duration::ZERO);
        };
        match self.window(now) {
            Window::Over => Some(Duration::ZERO),
            Window::Open { until, .. } => {
                Some(until.map_or(Duration::MAX, |until| until.saturating_duration_since(now)))
            }
        }
    }

    /// Cancels, and ends the window of this operation and of those below it at once.
    pub(crate) fn cancel_now(&self, cause: Cause) -> bool {
        // What a dropped run has left goes on after the end, and is hurried all the same.
        if self.status().is_closed() && self.is_settled() {
            return false;
        }
        // First, so that whoever is woken by the cancel finds the window over.
        self.hard_token().cancel_with(cause.clone());
        self.cancel(cause)
    }

    /// The token that ends the window at once. It is a child of the one above, and the line of them
    /// is made when it is first asked for: few operations are ever in their window.
    pub(crate) fn hard_token(&self) -> CancellationToken {
        let mut missing = Vec::new();
        let mut found = None;
        for record in self.line() {
            found = record.on_aside(|aside| aside.hard.clone()).flatten();
            if found.is_some() {
                break;
            }
            missing.push(record);
        }
        for record in missing.iter().rev() {
            let own = match &found {
                Some(above) => above.child_token(),
                None => CancellationToken::new(),
            };
            // Another thread may have been first, and then its token counts.
            found = Some(record.with_aside(|aside| match &aside.hard {
                Some(first) => first.clone(),
                None => aside.hard.insert(own.clone()).clone(),
            }));
        }
        // There is one: the line is never empty.
        found.unwrap_or_default()
    }
}
