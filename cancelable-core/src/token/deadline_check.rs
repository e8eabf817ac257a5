//! A check of the operation's deadline, for code that calls a token and never lets its run be polled.
//!
//! A token knows neither time nor operations. An operation's token gets a *deadline check* before users get the token.
//! The check is stored in the token's branch, so the tokens made from that token find the check too, a plain token is
//! no larger, and a token without a check pays one load. A check reads a clock, so [`Pacing`] chooses the calls that
//! make the check. The fast path writes to no shared memory.

use crate::cause::{Cause, Mark};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A check that cancels operations whose deadline has passed before a run noticed it.
pub(crate) trait DeadlineCheck: Send + Sync {
    /// Returns whether there is no deadline. Reads no clock, so it is cheap at each call.
    fn has_no_deadline(&self) -> bool;

    /// Reads the clock and cancels the operations whose deadline has passed. Returns the time, for the pacing of later
    /// checks; `None` if each call has to check, because the clock is not the system's.
    fn check(&self) -> Option<Instant>;

    /// Returns the mark of the token's operation, for an error that reports a cancel with `cause`.
    fn mark(&self, cause: &Cause) -> Option<Mark>;

    /// Adds the deadline checks of the tokens that cancel the operation from outside. `check` does not
    /// run the checks of these tokens.
    fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>);
}

/// The result of running one or several deadline checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// None of them has a deadline.
    NoDeadline,
    /// The answer of [`DeadlineCheck::check`].
    At(Option<Instant>),
}

impl Checked {
    /// Combines two results. If either has to check at each call, so does the combination.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NoDeadline, seen) | (seen, Self::NoDeadline) => seen,
            (Self::At(one), Self::At(other)) => Self::At(one.and(other)),
        }
    }
}

/// Runs `check` and the checks it is linked to.
pub(crate) fn check_deadlines(check: &Arc<dyn DeadlineCheck>) -> Checked {
    let own = match check.has_no_deadline() {
        true => Checked::NoDeadline,
        false => Checked::At(check.check()),
    };
    let mut links = Vec::new();
    check.links(&mut links);
    own.and(check_linked_deadlines(links))
}

/// Runs each of `links` and the checks that they are linked to, each once.
pub(crate) fn check_linked_deadlines(mut links: Vec<Arc<dyn DeadlineCheck>>) -> Checked {
    let (mut done, mut seen) = (BTreeSet::new(), Checked::NoDeadline);
    // Ends: each check runs once. A loop, not recursion: scopes may be linked in a long chain.
    while let Some(check) = links.pop() {
        if done.insert(address(&check)) {
            if !check.has_no_deadline() {
                seen = seen.and(Checked::At(check.check()));
            }
            check.links(&mut links);
        }
    }
    seen
}

impl fmt::Debug for dyn DeadlineCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeadlineCheck")
    }
}

/// The checks of all inputs of a join.
pub(super) struct AllOf(pub(super) Vec<Arc<dyn DeadlineCheck>>);

impl DeadlineCheck for AllOf {
    fn has_no_deadline(&self) -> bool {
        self.0
            .iter()
            .all(|deadline_check| deadline_check.has_no_deadline())
    }

    fn check(&self) -> Option<Instant> {
        // Every input checks. If an input has to check at each call, so does the join.
        let armed = self
            .0
            .iter()
            .filter(|deadline_check| !deadline_check.has_no_deadline());
        let seen = armed.map(|deadline_check| deadline_check.check());
        seen.reduce(|one, other| one.and(other)).flatten()
    }

    fn mark(&self, cause: &Cause) -> Option<Mark> {
        self.0
            .iter()
            .find_map(|deadline_check| deadline_check.mark(cause))
    }

    fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>) {
        for check in &self.0 {
            check.links(found);
        }
    }
}

/// The limit of the time between two fast calls.
const FAST: Duration = Duration::from_micros(100);

/// The limit of calls between two checks.
const MAX_PERIOD: u32 = 64;

/// The choice of the calls that check: each call while calls are slow, and fewer calls the faster they are.
///
/// A passed deadline is noticed within about 100 microseconds, or by the next call. Only if fast calls suddenly
/// become slow, up to 63 slow calls come before the next check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// The number of calls before the next check.
    left: u32,
    /// The number of calls between two checks.
    period: u32,
    last: Option<Instant>,
}

impl Pacing {
    pub(crate) const fn new() -> Self {
        Self {
            left: 0,
            period: 0,
            last: None,
        }
    }

    /// Returns whether this call has to check. If so, [`note`](Self::note) follows.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        match self.left.checked_sub(1) {
            None => true,
            Some(fewer) => {
                self.left = fewer;
                false
            }
        }
    }

    /// Records a check and the time that it read.
    pub(crate) fn note(&mut self, seen: Option<Instant>) {
        let since = seen
            .zip(self.last)
            .map(|(seen, last)| seen.saturating_duration_since(last));
        self.period = match since {
            Some(since) if since < FAST => (2 * self.period + 1).min(MAX_PERIOD - 1),
            _ => 0,
        };
        self.left = self.period;
        self.last = seen;
    }

    /// Records that there is no deadline to check.
    pub(crate) fn rest(&mut self) {
        self.left = MAX_PERIOD - 1;
    }
}

/// The pacing of one thread. Most calls access only the first two fields.
struct Thread {
    /// The address of the check that this thread made last. A thread that alternates between checks makes a check at
    /// each call. A new check at a reused address only inherits the pace.
    of: Cell<usize>,
    /// The value of [`Pacing`]'s field `left` for this thread. The copy in `pacing` is not used.
    left: Cell<u32>,
    pacing: Cell<Pacing>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            of: Cell::new(0),
            left: Cell::new(0),
            pacing: Cell::new(Pacing::new()),
        }
    };
}

/// Returns whether this call of this thread has to make the check.
#[inline]
pub(super) fn is_due(deadline_check: &Arc<dyn DeadlineCheck>) -> bool {
    THREAD.with(|thread| {
        let left = thread.left.get();
        if left == 0 || thread.of.get() != address(deadline_check) {
            return true;
        }
        thread.left.set(left - 1);
        // loom repeats the same steps in each run, so there each call checks.
        cfg!(cancelable_loom)
    })
}

/// Makes the check, unless there is no deadline.
#[inline(never)]
pub(super) fn run(deadline_check: &Arc<dyn DeadlineCheck>) {
    // Runs user code, which may call a token.
    let Checked::At(seen) = check_deadlines(deadline_check) else {
        return;
    };
    let of = address(deadline_check);
    let mut pacing = THREAD.with(|thread| match thread.of.replace(of) == of {
        true => thread.pacing.get(),
        false => Pacing::new(),
    });
    pacing.note(seen);
    THREAD.with(|thread| {
        thread.of.set(of);
        thread.left.set(pacing.left);
        thread.pacing.set(pacing);
    });
}

fn address(deadline_check: &Arc<dyn DeadlineCheck>) -> usize {
    Arc::as_ptr(deadline_check).cast::<()>().addr()
}

#[cfg(test)]
mod tests {
    use super::{FAST, MAX_PERIOD, Pacing};
    use std::time::Instant;

    /// Returns the number of checks in `calls` calls, if each call takes `each` by the clock.
    fn checks(
        pacing: &mut Pacing,
        now: &mut Instant,
        calls: u32,
        each: std::time::Duration,
    ) -> u32 {
        (0..calls)
            .map(|_| {
                *now += each;
                let due = pacing.is_due();
                if due {
                    pacing.note(Some(*now));
                }
                u32::from(due)
            })
            .sum()
    }

    #[test]
    fn r46_slow_calls_check_each_time_and_fast_calls_now_and_then() {
        let (mut pacing, mut now) = (Pacing::new(), crate::sync::clock::now());
        assert_eq!(checks(&mut pacing, &mut now, 10, FAST), 10);
        let fast = FAST / 1000;
        checks(&mut pacing, &mut now, 200, fast);
        assert_eq!(checks(&mut pacing, &mut now, 64 * MAX_PERIOD, fast), 64);
        // Fast calls become slow at once: the rest of the period, and then each call.
        let slow = checks(&mut pacing, &mut now, 2 * MAX_PERIOD, FAST);
        assert!((MAX_PERIOD..=2 * MAX_PERIOD).contains(&slow), "{slow}");
        assert_eq!(checks(&mut pacing, &mut now, 10, FAST), 10);
    }

    #[test]
    fn r46_a_clock_other_than_the_systems_is_read_at_each_call() {
        let mut pacing = Pacing::new();
        for _ in 0..10 {
            assert!(pacing.is_due());
            pacing.note(None);
        }
    }
}
