//! What a token looks at when it is asked inline, by code that never lets its run be polled.
//!
//! A token knows neither time nor operations. That of an operation is given a *deadline_check* when it is handed
//! out, which lies in the token's branch: so the tokens that are made of it find it too, a plain token is
//! no larger for it, and one that has none pays a load. It is asked now and then, as
//! [`Pacing`] says, since a look reads a clock. The fast path writes nothing that threads share.

use crate::cause::{Cause, Mark};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Cancels what is due though nobody has noticed it.
pub(crate) trait DeadlineCheck: Send + Sync {
    /// Whether there is no deadline, so that there is nothing to look at. It reads no clock, so each call
    /// may ask it.
    fn has_no_deadline(&self) -> bool;

    /// Looks, and cancels what is due. The time that it saw, to pace the next looks by; none where each
    /// call has to look, because the clock is not the system's.
    fn check(&self) -> Option<Instant>;

    /// The mark of the operation whose token it is, for an error that says that it was cancelled for `cause`.
    fn mark(&self, cause: &Cause) -> Option<Mark>;
}

impl fmt::Debug for dyn DeadlineCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeadlineCheck")
    }
}

/// The lookouts of the inputs of a join.
pub(super) struct AllOf(pub(super) Vec<Arc<dyn DeadlineCheck>>);

impl DeadlineCheck for AllOf {
    fn has_no_deadline(&self) -> bool {
        self.0
            .iter()
            .all(|deadline_check| deadline_check.has_no_deadline())
    }

    fn check(&self) -> Option<Instant> {
        // Each looks. If one has to at each call, then so does this.
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
}

/// A look that follows the one before sooner than this has come too soon.
const SOON: Duration = Duration::from_micros(100);

/// So many calls are made between two looks at the most.
const MOST: u32 = 64;

/// Which calls look: each one while calls are slow, and fewer of them the faster they follow each other.
///
/// What comes is seen within 100 microseconds or so, or by the next call. Only where calls that were
/// fast become slow all at once are there up to 63 slow ones before the next look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// How many calls are left before the next look.
    left: u32,
    /// How many there are between two looks.
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

    /// Whether this call has to look. [`note`](Self::note) follows then.
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

    /// Notes a look, and what it saw.
    pub(crate) fn note(&mut self, seen: Option<Instant>) {
        let since = seen
            .zip(self.last)
            .map(|(seen, last)| seen.saturating_duration_since(last));
        self.period = match since {
            Some(since) if since < SOON => (2 * self.period + 1).min(MOST - 1),
            _ => 0,
        };
        self.left = self.period;
        self.last = seen;
    }

    /// Notes that there is nothing to look at.
    pub(crate) fn rest(&mut self) {
        self.left = MOST - 1;
    }
}

/// The pacing of a thread, of which most calls touch only the first two.
struct Thread {
    /// The deadline_check that it asked last, by its address. A thread that asks several in turn looks at each call.
    /// Another deadline_check that has come to the same address only takes the pace over.
    of: Cell<usize>,
    /// As in [`Pacing`], in whose place it counts.
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

/// Whether it is time for this thread to ask `deadline_check`.
#[inline]
pub(super) fn is_due(deadline_check: &Arc<dyn DeadlineCheck>) -> bool {
    THREAD.with(|thread| {
        let left = thread.left.get();
        if left == 0 || thread.of.get() != address(deadline_check) {
            return true;
        }
        thread.left.set(left - 1);
        // loom explores the same steps again and again, so there each call looks.
        cfg!(cancelable_loom)
    })
}

/// Asks `deadline_check`.
#[inline(never)]
pub(super) fn run(deadline_check: &Arc<dyn DeadlineCheck>) {
    if deadline_check.has_no_deadline() {
        return;
    }
    let of = address(deadline_check);
    let mut pacing = THREAD.with(|thread| match thread.of.replace(of) == of {
        true => thread.pacing.get(),
        false => Pacing::new(),
    });
    // It may run the code of users, who may ask a token.
    pacing.note(deadline_check.check());
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
    use super::{MOST, Pacing, SOON};
    use std::time::Instant;

    /// How many of `calls` calls look, each of which takes `each` by the clock.
    fn looks(pacing: &mut Pacing, now: &mut Instant, calls: u32, each: std::time::Duration) -> u32 {
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
    fn r46_slow_calls_look_each_time_and_fast_ones_now_and_then() {
        let (mut pacing, mut now) = (Pacing::new(), crate::sync::clock::now());
        assert_eq!(looks(&mut pacing, &mut now, 10, SOON), 10);
        let fast = SOON / 1000;
        looks(&mut pacing, &mut now, 200, fast);
        assert_eq!(looks(&mut pacing, &mut now, 64 * MOST, fast), 64);
        // One that was fast until now is slow at once: the rest of its period, and then each.
        let slow = looks(&mut pacing, &mut now, 2 * MOST, SOON);
        assert!((MOST..=2 * MOST).contains(&slow), "{slow}");
        assert_eq!(looks(&mut pacing, &mut now, 10, SOON), 10);
    }

    #[test]
    fn r46_a_clock_that_is_not_the_system_s_is_asked_each_time() {
        let mut pacing = Pacing::new();
        for _ in 0..10 {
            assert!(pacing.is_due());
            pacing.note(None);
        }
    }
}
