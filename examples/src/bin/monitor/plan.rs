//! The plan of the load: its operations, and the end of each.

use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The number of operations of one job.
const PARTS: usize = 24;

/// The behaviour of an operation that is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Completes, with progress.
    Transfer,
    /// Fails after some progress.
    Breaks,
    /// Waits for longer than its time limit.
    Hangs,
    /// Has a shield.
    Commits,
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The duration.
    pub(crate) span: Duration,
}

/// An operation with children.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) limit: Option<Duration>,
    /// The limit on children that run at once, if there is one.
    pub(crate) at_once: Option<NonZeroUsize>,
    pub(crate) parts: Vec<Part>,
}

/// The load: one operation at the root, jobs below it, and children below the jobs.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
}

impl Plan {
    /// Returns a plan with this number of operations. The same seed gives the same plan.
    pub(crate) fn new(operations: usize, seed: u32, speed: NonZeroU32) -> Self {
        let mut dice = Dice(u64::from(seed) << 1 | 1);
        let seconds = |tenths: u64| Duration::from_millis(tenths * 100) / speed.get();
        let mut left = operations.saturating_sub(1);
        let mut jobs = Vec::new();
        // Ends: each job takes at least one operation.
        while left > 0 {
            let parts = PARTS.min(left - 1);
            left -= 1 + parts;
            let number = jobs.len() + 1;
            let task = ["import", "backup", "index", "report"][dice.roll(4) as usize];
            jobs.push(Job {
                name: format!("{task}-{number:02}"),
                limit: (dice.roll(3) == 0).then(|| seconds(200 + dice.roll(400))),
                at_once: (dice.roll(3) == 0).then_some(const { NonZeroUsize::new(8).unwrap() }),
                parts: (1..=parts)
                    .map(|part| {
                        let (kind, verb) = match dice.roll(10) {
                            0 => (Kind::Breaks, "parse"),
                            1 => (Kind::Hangs, "fetch"),
                            2 => (Kind::Commits, "commit"),
                            _ => (Kind::Transfer, "copy"),
                        };
                        let span = seconds(30 + dice.roll(600));
                        Part {
                            name: format!("{verb}-{number:02}.{part:02}"),
                            kind,
                            span,
                        }
                    })
                    .collect(),
            });
        }
        Self { jobs }
    }

    /// Returns the number of operations, with the root.
    pub(crate) fn total(&self) -> usize {
        1 + self
            .jobs
            .iter()
            .map(|job| 1 + job.parts.len())
            .sum::<usize>()
    }
}

/// Pseudorandom numbers, the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    /// Returns a number from zero to below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_as_many_operations_as_were_asked_for() {
        for operations in [1, 2, 3, 25, 26, 27, 999, 1000, 1001] {
            let plan = Plan::new(operations, 7, NonZeroU32::MIN);
            assert_eq!(plan.total(), operations);
        }
    }

    #[test]
    fn a_thousand_have_some_of_each_kind() {
        let plan = Plan::new(1000, 7, NonZeroU32::MIN);
        for kind in [Kind::Transfer, Kind::Breaks, Kind::Hangs, Kind::Commits] {
            let parts = plan.jobs.iter().flat_map(|job| &job.parts);
            assert!(
                parts.filter(|part| part.kind == kind).count() > 20,
                "{kind:?}"
            );
        }
        assert!(plan.jobs.iter().any(|job| job.limit.is_some()));
        assert!(plan.jobs.iter().any(|job| job.at_once.is_some()));
    }
}
