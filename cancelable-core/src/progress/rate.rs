//! The rate at which work advances, computed from samples.
//!
//! An advance reads no clock, so steps and time are both known only when a snapshot is taken. A snapshot takes
//! a sample, and compares it with an older sample. Two older samples are kept, at least half a window apart, and
//! the rate counts from the older of the two. So a rate covers between half a window and a window, or more if no
//! snapshot was taken.

use std::time::{Duration, Instant};

/// The longest time that a rate covers, if snapshots are taken often.
const WINDOW: Duration = Duration::from_secs(10);

/// The steps that were done since the start, at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) done: u64,
}

/// The rate of one meter or of a subtree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    older: Sample,
    newer: Sample,
}

impl Rate {
    pub(super) fn new(start: Instant) -> Self {
        Self::since(Sample { at: start, done: 0 })
    }

    fn since(sample: Sample) -> Self {
        Self {
            older: sample,
            newer: sample,
        }
    }

    /// Returns the steps a second up to this sample; `None` before the first step, while no time has passed, and
    /// after a step back.
    pub(super) fn add(&mut self, sample: Sample) -> Option<f64> {
        if sample.at.saturating_duration_since(self.newer.at) >= WINDOW / 2 {
            self.older = self.newer;
            self.newer = sample;
        }
        let Some(steps) = sample.done.checked_sub(self.older.done) else {
            // Samples from before a step back do not predict the next steps.
            *self = Self::since(sample);
            return None;
        };
        let time = sample.at.saturating_duration_since(self.older.at);
        if sample.done == 0 || time.is_zero() {
            return None;
        }
        // Finite: the time is at least a nanosecond.
        Some(steps as f64 / time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, Sample};
    use crate::sync::clock;
    use std::time::Duration;

    #[test]
    fn r38_a_rate_is_over_the_recent_past() {
        let start = clock::now();
        let mut rate = Rate::new(start);
        let mut at = |second: u64, done| {
            let at = start + Duration::from_secs(second);
            rate.add(Sample { at, done })
        };
        assert_eq!(at(0, 5), None, "no time has passed");
        assert_eq!(at(1, 5), Some(5.0));
        assert_eq!(at(4, 400), Some(100.0));
        assert_eq!(at(5, 500), Some(100.0));
        assert_eq!(at(10, 500), Some(0.0), "nothing moved in the last half");
        assert_eq!(at(70, 530), Some(0.5), "since the sample before");
        assert_eq!(at(71, 20), None, "it went back");
        assert_eq!(at(73, 30), Some(5.0));
    }

    #[test]
    fn r38_a_rate_is_none_before_anything_moved_and_never_infinite() {
        let start = clock::now();
        let mut rate = Rate::new(start);
        let at = start + Duration::from_secs(9);
        assert_eq!(rate.add(Sample { at, done: 0 }), None);
        let mut rate = Rate::new(start);
        let at = start + Duration::from_nanos(1);
        let rate = rate.add(Sample { at, done: u64::MAX });
        assert!(rate.is_some_and(f64::is_finite));
    }
}
