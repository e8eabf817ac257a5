//! The deadline check of an operation's token that was handed out. Code that checks the token inline may be all
//! code that runs, and then no poll of a run notices that the deadline has passed.
//!
//! The effective deadline is cached beside the token, so that a check takes no lock and no reference count. The
//! cached deadline is valid for one epoch of the deadlines (`own_deadline.rs`), which is read before the records
//! are. Both are stored under a lock, so that the epoch of one walk is never stored beside the deadline of
//! another.

use super::Record;
use super::deadlines;
use super::own_deadline::epoch;
use crate::cause::{Cause, Mark};
use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, Mutex, Ordering, isolate};
use crate::token::{CancellationToken, DeadlineCheck};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The value of `due` without a deadline.
const NEVER: u64 = u64::MAX;

/// The value of `epoch` until a deadline is cached: an epoch that never comes.
const NONE: u64 = u64::MAX;

struct Clock {
    record: Weak<Record>,
    /// The runtime with the clock; `None` if only a linked token has a clock.
    runtime: Option<RuntimeHandle>,
    is_linked: bool,
    /// True if the clock is not the system's, so each call has to read it.
    is_by_hand: bool,
    /// The start of `due`, if there is a clock.
    base: Option<Instant>,
    /// The effective deadline, in nanoseconds from `base`.
    due: AtomicU64,
    /// The epoch in which `due` is valid.
    epoch: AtomicU64,
    /// The lock for changes of `due` and `epoch`.
    changing: Mutex<()>,
}

/// Returns the operation's token, for code that may wait for it longer than the operation runs.
#[inline]
pub(crate) fn hand_out(record: &Arc<Record>) -> &CancellationToken {
    let token = record.token();
    if (record.runtime.is_some() || record.token.is_linked()) && !token.has_deadline_check() {
        set_clock(record, token);
    }
    record.note_handed_out();
    token
}

#[cold]
fn set_clock(record: &Arc<Record>, token: &CancellationToken) {
    let runtime = record.runtime.clone();
    let keeps_systems_time = runtime.as_ref().map(RuntimeHandle::keeps_systems_time);
    token.set_deadline_check(Arc::new(Clock {
        record: Arc::downgrade(record),
        is_linked: record.token.is_linked(),
        is_by_hand: keeps_systems_time == Some(false),
        base: runtime.as_ref().map(RuntimeHandle::now),
        runtime,
        due: AtomicU64::new(NEVER),
        epoch: AtomicU64::new(NONE),
        changing: Mutex::new(()),
    }));
}

impl Clock {
    /// Caches the present effective deadline.
    #[cold]
    fn cache(&self) {
        let _changing = self.changing.lock();
        let epoch = epoch();
        let record = self.record.upgrade();
        let deadline = record.and_then(|record| deadlines::effective_for_cache(&record));
        let due = deadline.map_or(NEVER, |deadline| self.since_base(deadline));
        // Relaxed: the store below publishes it.
        self.due.store(due, Ordering::Relaxed);
        // Release: pairs with the Acquire in `due`. A thread that reads the epoch reads this deadline or a newer
        // one.
        self.epoch.store(epoch, Ordering::Release);
    }

    fn since_base(&self, at: Instant) -> u64 {
        // Without a clock there is no deadline.
        let since = self.base.map(|base| at.saturating_duration_since(base));
        since.map_or(NEVER, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(NEVER)
        })
    }

    #[cold]
    fn expire(&self, now: Instant) {
        if let Some(record) = self.record.upgrade() {
            deadlines::expire(&record, now);
        }
    }

    /// Returns the effective deadline, in nanoseconds from the base.
    #[inline]
    fn due(&self) -> u64 {
        // Acquire: as in `cache`.
        if self.epoch.load(Ordering::Acquire) != epoch() {
            self.cache();
        }
        // Relaxed: the load above has made it visible.
        self.due.load(Ordering::Relaxed)
    }
}

impl DeadlineCheck for Clock {
    fn has_no_deadline(&self) -> bool {
        self.due() == NEVER
    }

    fn check(&self) -> Option<Instant> {
        let runtime = self.runtime.as_ref()?;
        let mut now = None;
        // A token's methods do not unwind for a clock.
        isolate("the clock of a runtime", || now = Some(runtime.now()));
        let now = now?;
        let due = self.due();
        if due != NEVER && due <= self.since_base(now) {
            self.expire(now);
        }
        (!self.is_by_hand).then_some(now)
    }

    fn mark(&self, cause: &Cause) -> Option<Mark> {
        self.record.upgrade()?.issue_mark(cause)
    }

    fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>) {
        if self.is_linked {
            if let Some(record) = self.record.upgrade() {
                record.links(found);
            }
        }
    }
}
