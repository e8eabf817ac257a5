//! The teardown of a run, after its body: the children and the orphans (`record/orphans.rs`) are joined, then the
//! finalizers run, last deferred first.
//!
//! A teardown holds no reference to the body and needs no particular poller. So it can continue as a task when the run
//! is dropped (`detached_teardown.rs`).

use super::stalled::StalledRuns;
use crate::record::finalizer::{BoxError, Finalizer};
use crate::record::outside_runs::{self, SuspendedFinalizer, TakenRun};
use crate::record::shielding::{InShield, ShieldGuard};
use crate::record::{Record, abandon, finalizers, stragglers};
use crate::report::{CleanupError, Failure};
use crate::runtime::Sleep;
use crate::sync::{isolate, panic_text};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

#[derive(Default)]
pub(super) struct Teardown {
    finalizing: Option<Box<Finalizing>>,
    /// The wait for stalled runs, made when there is an open run inside that the body does not poll.
    stalled: Option<Box<StalledRuns>>,
}

/// The finalizers, once they have begun.
struct Finalizing {
    current: Option<Finalizer>,
    /// The timer of the cleanup budget; `None` without a budget.
    budget: Option<Sleep>,
    /// The shield of scopes that are opened in finalizers.
    shield: ShieldGuard,
}

impl Teardown {
    /// Returns ready when the children, the orphans and the runs that others poll have ended. From then on the
    /// scope takes no more children. If there never was a child, an orphan or a finalizer, the seal of the record
    /// closes the list instead. Once the finalizers have begun, [`poll_finalizers`](Self::poll_finalizers) joins
    /// their orphans.
    ///
    /// `detach` starts the detached teardown of a stalled run inside. `detach` is an argument, because such a teardown
    /// calls this method in turn.
    ///
    /// Wakes: each child, orphan and run has the waker, or leaves it to the next, which is polled in the same poll.
    pub(super) fn poll_joined(
        &mut self,
        record: &Arc<Record>,
        detach: fn(TakenRun),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.finalizing.is_some() {
            return Poll::Ready(());
        }
        let nothing_open = record.children.is_unused() && !record.has_deferred();
        if !nothing_open {
            ready!(abandon::poll_joined(record, cx));
        }
        if outside_runs::has_any(record) {
            let stalled = self.stalled.get_or_insert_default();
            ready!(stalled.poll(record, detach, cx));
            if !record.children.is_unused() {
                // A run that was just taken over is an orphan.
                ready!(abandon::poll_joined(record, cx));
            }
        }
        Poll::Ready(())
    }

    /// Takes the running finalizer out, for the task that continues it after a takeover.
    pub(super) fn suspend(&mut self) -> Option<SuspendedFinalizer> {
        Some(self.finalizing.take()?)
    }

    /// Returns the teardown that continues a suspended finalizer.
    pub(super) fn resume(suspended: Option<SuspendedFinalizer>) -> Self {
        Self {
            // The downcast never fails: the type is always `Finalizing`.
            finalizing: suspended.and_then(|suspended| suspended.downcast().ok()),
            stalled: None,
        }
    }

    /// Returns whether a finalizer is running.
    pub(super) fn has_begun(&self) -> bool {
        let finalizing = self.finalizing.as_ref();
        finalizing.is_some_and(|finalizing| finalizing.current.is_some())
    }

    /// Returns ready when no finalizer is left. A finalizer that is deferred meanwhile is next. The orphans of a
    /// finalizer are joined before the next finalizer begins.
    ///
    /// Wakes: pending only when the budget is, and the current finalizer or the orphans; all have the waker. Ends: each
    /// turn but the last ends one finalizer.
    pub(super) fn poll_finalizers(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        if !record.has_deferred() {
            return Poll::Ready(());
        }
        if self.finalizing.is_none() {
            // A finalizer may have been deferred since the join found nothing to wait for and left the list open.
            ready!(abandon::poll_joined(record, cx));
        }
        let finalizing = self
            .finalizing
            .get_or_insert_with(|| Box::new(Finalizing::new(record)));
        loop {
            if finalizing.current.is_none() {
                ready!(finalizing.poll_orphans(record, cx));
                finalizing.current = finalizers::next(record);
            }
            let Some(current) = &mut finalizing.current else {
                return Poll::Ready(());
            };
            finalizers::note_poll(record);
            let polled = {
                let _shielded = InShield::enter(finalizing.shield.state());
                // Unwind safe: after a panic the finalizer is dropped and not polled again.
                catch_unwind(AssertUnwindSafe(|| poll_finalizer(current, cx)))
            };
            let (name, place) = (current.name.clone(), current.location);
            let failure = match polled {
                Ok(Poll::Ready(Ok(()))) => None,
                Ok(Poll::Ready(Err(error))) => Some(Failure::Error(error.into())),
                Ok(Poll::Pending) => {
                    ready!(finalizing.poll_budget(cx));
                    let unfinished = stragglers::running_finalizer(record);
                    stragglers::note(record, unfinished.into_iter().collect());
                    Some(Failure::OverBudget)
                }
                Err(panic) => {
                    let failure = Failure::Panic(panic_text(panic.as_ref()).into());
                    isolate("the payload of a finalizer's panic", || drop(panic));
                    Some(failure)
                }
            };
            finalizing.drop_current();
            if let Some(failure) = failure {
                finalizers::note_error(record, CleanupError::new(name, place, failure));
            }
        }
    }

    /// Takes the finalizers that will not run, because the teardown is no longer polled.
    pub(super) fn take_unrun(&mut self, record: &Record) -> Vec<Finalizer> {
        let current = self
            .finalizing
            .as_mut()
            .and_then(|finalizing| finalizing.current.take());
        let waiting = std::iter::from_fn(|| finalizers::next(record));
        current.into_iter().chain(waiting).collect()
    }
}

impl Finalizing {
    /// Starts the cleanup budget.
    fn new(record: &Record) -> Self {
        let limit = record
            .options
            .as_ref()
            .and_then(|options| options.cleanup_budget);
        let runtime = record.runtime.as_ref();
        let budget = runtime
            .zip(limit)
            .map(|(runtime, limit)| runtime.sleep(limit));
        let until = budget.as_ref().and_then(Sleep::deadline);
        Self {
            current: None,
            budget,
            shield: ShieldGuard::new(until),
        }
    }

    /// Returns ready when no orphan of a finalizer is left, or the budget is spent.
    fn poll_orphans(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        let children = &record.children;
        if !children.is_occupied() || abandon::poll_joined(record, cx).is_ready() {
            return Poll::Ready(());
        }
        ready!(self.poll_budget(cx));
        for orphan in children.forget_orphans().iter().filter_map(Weak::upgrade) {
            stragglers::note(record, stragglers::all(&orphan));
        }
        Poll::Ready(())
    }

    /// Returns ready when the budget is spent.
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.budget {
            Some(budget) => Pin::new(budget).poll(cx),
            None => Poll::Pending,
        }
    }

    /// Drops the current finalizer. Its drop is user code.
    fn drop_current(&mut self) {
        if let Some(ended) = self.current.take() {
            let _shielded = InShield::enter(self.shield.state());
            isolate("the drop of a finalizer", || drop(ended));
        }
    }
}

fn poll_finalizer(finalizer: &mut Finalizer, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
    match finalizer.future.get_mut() {
        Some(future) => future.as_mut().poll(cx),
        None => Poll::Ready(Ok(())),
    }
}
