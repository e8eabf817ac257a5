//! A histogram of durations in bounded memory.
//!
//! The buckets divide the range between two powers of two into eight equal steps. A percentile is the
//! middle of its bucket, so its error is at most one sixteenth. Sum, count and maximum are exact.

use std::time::Duration;

/// The binary logarithm of the number of steps between two powers of two.
const STEP_BITS: u32 = 3;
const STEPS: usize = 1 << STEP_BITS;
/// The number of buckets for up to 2^64 nanoseconds, which is 584 years.
const BUCKETS: usize = (64 - STEP_BITS as usize + 1) * STEPS;

#[derive(Clone)]
pub(super) struct Histogram {
    buckets: [u64; BUCKETS],
    count: u64,
    sum: u128,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            count: 0,
            sum: 0,
            max: Duration::ZERO,
        }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, duration: Duration) {
        let nanos = duration.as_nanos();
        let index = bucket(u64::try_from(nanos).unwrap_or(u64::MAX));
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum += nanos;
        self.max = self.max.max(duration);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (own, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += other;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn max(&self) -> Duration {
        self.max
    }

    pub(super) fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(
            u64::try_from(mean).unwrap_or(u64::MAX),
        ))
    }

    /// Returns the duration that `percent` percent of all durations do not exceed.
    pub(super) fn percentile(&self, percent: u64) -> Option<Duration> {
        // The rank counts from one.
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100);
        let mut below = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            below += u128::from(*count);
            if below >= rank.max(1) {
                let middle = Duration::from_nanos(middle(index));
                return Some(middle.min(self.max));
            }
        }
        None
    }
}

/// Returns the index of the bucket for a number. Each number below `STEPS` has its own bucket.
fn bucket(number: u64) -> usize {
    let Some(power) = number.checked_ilog2().filter(|power| *power >= STEP_BITS) else {
        // Below `STEPS`.
        return number as usize;
    };
    let shift = power - STEP_BITS;
    // The top bits without the leading bit, which is in the power.
    let step = (number >> shift) as usize - STEPS;
    (shift as usize + 1) * STEPS + step
}

/// Returns the middle of a bucket.
fn middle(index: usize) -> u64 {
    let (row, step) = (index / STEPS, index % STEPS);
    let Some(shift) = row.checked_sub(1) else {
        return step as u64;
    };
    let low = ((STEPS + step) as u64) << shift;
    low + ((1_u64 << shift) - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, middle};
    use std::time::Duration;

    #[test]
    fn r35_every_duration_is_read_back_within_a_sixteenth() {
        let mut last = 0;
        let mut number = 0_u64;
        while let Some(next) = number.checked_add(number / 97 + 1) {
            let index = bucket(number);
            assert!((last..BUCKETS).contains(&index), "{number}");
            assert!(middle(index).abs_diff(number) <= number / 16, "{number}");
            (last, number) = (index, next);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn r35_percentiles_of_a_known_distribution() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        assert_eq!(histogram.mean(), None);
        (1..=1000).for_each(|millis| histogram.add(Duration::from_millis(millis)));
        let near = |found: Option<Duration>, millis: u64| {
            let (found, expected) = (found.unwrap(), Duration::from_millis(millis));
            assert!(found.abs_diff(expected) <= expected / 16, "{found:?}");
        };
        near(histogram.percentile(50), 500);
        near(histogram.percentile(99), 990);
        near(histogram.percentile(100), 1000);
        assert_eq!(histogram.mean(), Some(Duration::from_micros(500_500)));
        assert_eq!(histogram.max(), Duration::from_secs(1));
        assert_eq!(histogram.count(), 1000);
    }
}
