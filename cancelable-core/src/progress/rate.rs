//! How fast work moves, from the looks that were taken at it.
//!
//! An advance reads no clock, so a look is the only moment at which steps and time are both
//! known. Two earlier looks are kept, half a window apart or more: the rate is taken from the older
//! one, which is between half a window and a window ago, or longer where nobody looked.

use std::time::{Duration, Instant};

/// A rate is over this time at most, if there was a look.
const WINDOW: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    /// How many steps were done since the start.
    done: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    older: Look,
    newer: Look,
}

impl Pace {
    pub(super) fn new(start: Instant) -> Self {
        let look = Look { at: start, done: 0 };
        Self {
            older: look,
            newer: look,
        }
    }

    /// Steps a second, with this look; `None` before anything moved, while no time has passed, and
    /// where the work went back.
    pub(super) fn look(&mut self, at: Instant, done: u64) -> Option<f64> {
        let look = Look { at, done };
        if at.saturating_duration_since(self.newer.at) >= WINDOW / 2 {
            self.older = self.newer;
            self.newer = look;
        }
        let Some(steps) = done.checked_sub(self.older.done) else {
            // What was before says nothing of what comes.
            *self = Self {
                older: look,
                newer: look,
            };
            return None;
        };
        let time = at.saturating_duration_since(self.older.at);
        if done == 0 || time.is_zero() {
            return None;
        }
        // Finite: the time is a nanosecond at least.
        Some(steps as f64 / time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use crate::sync::clock;
    use std::time::Duration;

    #[test]
    fn r38_a_rate_is_over_the_recent_past() {
        let start = clock::now();
        let mut pace = Pace::new(start);
        let mut look =
            |second: u64, position| pace.look(start + Duration::from_secs(second), position);
        assert_eq!(look(0, 5), None, "no time has passed");
        assert_eq!(look(1, 5), Some(5.0));
        assert_eq!(look(4, 400), Some(100.0));
        assert_eq!(look(5, 500), Some(100.0));
        assert_eq!(look(10, 500), Some(0.0), "nothing moved in the last half");
        assert_eq!(look(70, 530), Some(0.5), "since the look before");
        assert_eq!(look(71, 20), None, "it went back");
        assert_eq!(look(73, 30), Some(5.0));
    }

    #[test]
    fn r38_a_rate_is_none_before_anything_moved_and_never_infinite() {
        let start = clock::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.look(start + Duration::from_secs(9), 0), None);
        let mut pace = Pace::new(start);
        let rate = pace.look(start + Duration::from_nanos(1), u64::MAX);
        assert!(rate.is_some_and(f64::is_finite));
    }
}
