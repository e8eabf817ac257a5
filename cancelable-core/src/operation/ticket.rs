//! Why the bodies of cancelled operations are polled on: something below them must not be dropped.
//!
//! A ticket counts on an operation and on all above it in the same task. A run that is cancelled
//! looks at its count after it has polled its body, and drops the body once it is zero.

use super::record::Record;
use crate::sync::Ordering;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Context;
use std::time::Instant;

/// The number of the next shield. Not loom's: a source of numbers that no protocol depends on.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A shield that is open, for reports.
#[derive(Clone, Debug)]
pub(crate) struct OpenShield {
    pub(crate) opened_at: &'static Location<'static>,
    /// None where no runtime tells the time.
    pub(crate) since: Option<Instant>,
}

/// While it lives, the operation and those above it in its task are not dropped by a cancel.
pub(crate) struct Ticket {
    home: Arc<Record>,
    /// What a shield leaves for reports; what an operation owes its children leaves nothing.
    shield: Option<(u64, Arc<OpenShield>)>,
}

impl Ticket {
    pub(crate) fn open(home: Arc<Record>, shield: Option<OpenShield>) -> Self {
        // Relaxed: the numbers need to be different, and to go up for each task that takes them.
        let number = || NEXT.fetch_add(1, Ordering::Relaxed);
        let shield = shield.map(|shield| (number(), Arc::new(shield)));
        for record in home.task_line() {
            // Relaxed: it is opened by the task that looks at the count, after this. A shield that
            // is opened elsewhere has no say in when a cancel that goes on beside it arrives.
            record.shields.fetch_add(1, Ordering::Relaxed);
            if let Some((number, shield)) = &shield {
                record.with_aside(|aside| aside.shields.insert(*number, Arc::clone(shield)));
            }
        }
        Self { home, shield }
    }

    /// The operation it counts on first.
    pub(crate) fn home(&self) -> &Arc<Record> {
        &self.home
    }
}

/// Wakes the run of each operation that waited for this to be the last; see
/// [`Record::is_held`].
impl Drop for Ticket {
    fn drop(&mut self) {
        for record in self.home.task_line() {
            if let Some((number, _)) = &self.shield {
                record.on_aside(|aside| aside.shields.remove(number));
            }
            // AcqRel: a run that has looked at the count before this knew of its cancel, and its
            // look is an exchange too, so the cancel is seen below.
            let last = record.shields.fetch_sub(1, Ordering::AcqRel) == 1;
            if last && record.is_cancelled() {
                record.call_runner();
            }
        }
    }
}

impl Record {
    /// This record and those above it whose bodies the same task polls.
    fn task_line(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |record| match record.spawned {
            true => None,
            false => record.parent.as_deref(),
        })
    }

    /// Whether a cancelled body has to be polled on, for something below it that must not be
    /// dropped.
    ///
    /// Wakes: the waker is left before the count is read for the last time. Who takes the last
    /// ticket back lowers the count first; either that is seen here, or this exchange comes before
    /// it, and then the other side sees that the token is cancelled and calls the run.
    pub(crate) fn is_held(&self, cx: &Context<'_>) -> bool {
        if !self.is_under_shield() {
            return false;
        }
        self.follow(cx.waker());
        self.is_under_shield()
    }

    /// Whether a shield is open in this operation or below it in its task.
    pub(crate) fn is_under_shield(&self) -> bool {
        self.shields.fetch_add(0, Ordering::AcqRel) > 0
    }

    /// Keeps the bodies above polled until this operation has closed, because it has something to
    /// wait for that a drop from above would leave behind: children or finalizers.
    pub(crate) fn oblige(&self) {
        let Some(parent) = self.parent.as_ref().filter(|_| !self.spawned) else {
            return;
        };
        if self.on_aside(|aside| aside.obligation.is_some()) == Some(true) {
            return;
        }
        let ticket = Ticket::open(Arc::clone(parent), None);
        // Dropped outside the lock, where another thread was first or the operation has closed.
        let spare = {
            let mut inner = self.inner.lock();
            match self.status().is_closed() {
                true => Some(ticket),
                false => inner
                    .aside
                    .get_or_insert_default()
                    .obligation
                    .replace(ticket),
            }
        };
        drop(spare);
    }
}
