//! What goes on after the body: the children are joined, then the finalizers run, the last one
//! deferred first.
//!
//! It keeps no reference to the body and asks nothing of who polls it, so that it can go on as a
//! task of its own where the run was dropped.

use crate::operation::{CleanupError, Finalizer, Record, Shielded};
use crate::runtime::Sleep;
use crate::sync::{isolate, panic_text};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[derive(Default)]
pub(super) struct WindUp {
    joined: bool,
    cleanup: Option<Box<Cleanup>>,
}

/// The finalizers under way.
struct Cleanup {
    current: Option<Finalizer>,
    /// None without a budget.
    budget: Option<Sleep>,
}

impl WindUp {
    /// Ready when the children have ended; from then on there are no more. Where there never were
    /// any and nothing is to be run after them, that is left to the seal of the record.
    pub(super) fn poll_joined(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let nothing_open = record.nursery.is_unused() && !record.has_deferred();
        if !self.joined && !nothing_open {
            ready!(record.nursery.poll_joined(cx));
            self.joined = true;
        }
        Poll::Ready(())
    }

    /// Whether a finalizer is under way.
    pub(super) fn has_begun(&self) -> bool {
        let cleanup = self.cleanup.as_ref();
        cleanup.is_some_and(|cleanup| cleanup.current.is_some())
    }

    /// Ready when no finalizer is left. One that is deferred meanwhile is next.
    ///
    /// Wakes: pending only when the current finalizer and the budget are, and both have the waker.
    /// Ends: each turn but the last ends one finalizer.
    pub(super) fn poll_cleanup(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        if !record.has_deferred() {
            return Poll::Ready(());
        }
        let cleanup = self
            .cleanup
            .get_or_insert_with(|| Box::new(Cleanup::new(record)));
        loop {
            if cleanup.current.is_none() {
                cleanup.current = record.next_finalizer();
            }
            let Some(current) = &mut cleanup.current else {
                return Poll::Ready(());
            };
            record.note_finalizer_poll();
            let polled = {
                let _shielded = Shielded::enter();
                // Unwind safe: after a panic the finalizer is dropped and not polled again.
                catch_unwind(AssertUnwindSafe(|| current.future.as_mut().poll(cx)))
            };
            let (name, place) = (current.name.clone(), current.deferred_at);
            let error = match polled {
                Ok(Poll::Ready(Ok(()))) => None,
                Ok(Poll::Ready(Err(error))) => Some(CleanupError::failed(name, place, error)),
                Ok(Poll::Pending) => {
                    ready!(cleanup.poll_budget(cx));
                    let unfinished = record.running_finalizer();
                    record.note_stragglers(unfinished.into_iter().collect());
                    Some(CleanupError::over_budget(name, place))
                }
                Err(panic) => {
                    let error = CleanupError::panicked(name, place, panic_text(panic.as_ref()));
                    isolate("the payload of a finalizer's panic", || drop(panic));
                    Some(error)
                }
            };
            cleanup.end_current();
            if let Some(error) = error {
                record.note_cleanup_error(error);
            }
        }
    }

    /// What will not be run any more, because nothing polls this any more.
    pub(super) fn lost(&mut self, record: &Record) -> Vec<Finalizer> {
        let current = self
            .cleanup
            .as_mut()
            .and_then(|cleanup| cleanup.current.take());
        let waiting = std::iter::from_fn(|| record.next_finalizer());
        current.into_iter().chain(waiting).collect()
    }
}

impl Cleanup {
    /// The budget counts from here.
    fn new(record: &Record) -> Self {
        let limit = record
            .policy
            .as_ref()
            .and_then(|policy| policy.cleanup_budget);
        let runtime = record.runtime.as_ref();
        Self {
            current: None,
            budget: runtime
                .zip(limit)
                .map(|(runtime, limit)| runtime.sleep(limit)),
        }
    }

    /// Ready when the budget is spent.
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.budget {
            Some(budget) => Pin::new(budget).poll(cx),
            None => Poll::Pending,
        }
    }

    /// Drops the current finalizer, whose drop is the user's code.
    fn end_current(&mut self) {
        if let Some(ended) = self.current.take() {
            let _shielded = Shielded::enter();
            isolate("the drop of a finalizer", || drop(ended));
        }
    }
}
