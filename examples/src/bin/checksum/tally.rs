//! The counters of the job, which every worker updates at any time.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use common::shown;

/// The number of failures that the report names; further failures are only counted, so that memory
/// stays bounded.
const MOST_NAMED: usize = 100;

/// The counters. Each is read alone for a display, or after the join of the workers. No order
/// between them matters, so `Relaxed` is enough.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The files whose lines were written, and their bytes.
    pub(crate) done: AtomicU64,
    pub(crate) done_bytes: AtomicU64,
    /// The regular files that a worker has finished, with any result.
    pub(crate) settled: AtomicU64,
    /// The files that could not be read.
    pub(crate) failed: AtomicU64,
    /// Fifos, sockets and devices.
    pub(crate) special: AtomicU64,
    /// Symbolic links that were not followed.
    pub(crate) links: AtomicU64,
    /// The counts of the survey, and whether it is complete.
    pub(crate) counted: AtomicU64,
    pub(crate) counted_bytes: AtomicU64,
    pub(crate) counted_all: AtomicBool,
    failures: Mutex<Vec<Failure>>,
}

/// A file that could not be read, as the report names it.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Failure {
    pub(crate) path: String,
    pub(crate) error: String,
}

impl Tally {
    /// Counts a failure, keeps it for the report, and returns the message for it.
    pub(crate) fn fail(&self, path: &Path, error: &io::Error) -> String {
        self.failed.fetch_add(1, Relaxed);
        let message = format!("{}: {error}", shown(path));
        let mut failures = self.failures.lock();
        if failures.len() < MOST_NAMED {
            let path = path.to_string_lossy().into_owned();
            failures.push(Failure {
                path,
                error: error.to_string(),
            });
        }
        message
    }

    /// Returns the first failures.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.failures.lock().clone()
    }

    /// Returns the work that is left, as far as it was counted.
    pub(crate) fn left(&self) -> Left {
        let files = self
            .counted
            .load(Relaxed)
            .saturating_sub(self.settled.load(Relaxed));
        let bytes = self
            .counted_bytes
            .load(Relaxed)
            .saturating_sub(self.done_bytes.load(Relaxed));
        Left {
            files,
            bytes: if files == 0 { 0 } else { bytes },
            exact: self.counted_all.load(Relaxed),
        }
    }
}

/// The work that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The tree was counted to its end; if not, there is at least this much.
    pub(crate) exact: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_was_counted_and_is_not_settled() {
        let tally = Tally::default();
        tally.counted.store(10, Relaxed);
        tally.counted_bytes.store(1000, Relaxed);
        tally.settled.store(4, Relaxed);
        tally.done_bytes.store(300, Relaxed);
        assert_eq!(
            tally.left(),
            Left {
                files: 6,
                bytes: 700,
                exact: false
            }
        );
    }

    #[test]
    fn the_workers_may_be_ahead_of_the_count() {
        let tally = Tally::default();
        tally.settled.store(4, Relaxed);
        tally.done_bytes.store(300, Relaxed);
        assert_eq!(
            tally.left(),
            Left {
                files: 0,
                bytes: 0,
                exact: false
            }
        );
    }

    #[test]
    fn only_the_first_failures_are_kept_by_name() {
        let tally = Tally::default();
        for _ in 0..MOST_NAMED + 5 {
            tally.fail(Path::new("x"), &io::ErrorKind::NotFound.into());
        }
        assert_eq!(tally.failures().len(), MOST_NAMED);
        assert_eq!(tally.failed.load(Relaxed), MOST_NAMED as u64 + 5);
    }
}
