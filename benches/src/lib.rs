//! Measures pairs of programs that do the same work, one with this library and one with a peer,
//! alternately in one process, and reports the ratio of their times.
//!
//! A single time means little on a shared machine; the ratio of two consecutive times is reliable. Each round
//! runs both programs, and the result is the median of the ratios.

#![allow(clippy::disallowed_methods)] // A benchmark is what reads the clock.

mod parked;
pub mod peers;
pub mod plot;
pub mod registry;
pub mod report;
pub mod requests;
pub mod scaling;
pub mod scopes;
pub mod streams;
pub mod threads;
pub mod tokens;

use std::time::{Duration, Instant};

/// The number of rounds of a row. Odd, so that there is a median.
const ROUNDS: usize = 15;

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The measured work.
    pub work: String,
    /// The peer.
    pub peer: &'static str,
    /// Nanoseconds for one piece of work with this library: the minimum and the median of the
    /// rounds.
    pub ours: (f64, f64),
    /// The same for the peer.
    pub theirs: (f64, f64),
    /// The median of the ratios of the rounds, this library to the peer; or of the additional nanoseconds, if the
    /// title of the table says so.
    pub ratio: f64,
    /// The goal.
    pub goal: Goal,
    /// Why the goal is missed: the attempts, and the parts of the limit.
    pub note: Option<&'static str>,
}

/// A bound on a ratio.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Row {
    /// Sets why the goal may be missed, which the page prints if it is.
    #[must_use]
    pub fn noting(self, note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }

    /// Returns whether the goal is reached.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(limit) => self.ratio <= limit,
            Goal::AtLeast(limit) => self.ratio >= limit,
        }
    }
}

/// Measures two programs that each return the time of one piece of work.
pub fn compare(
    work: impl Into<String>,
    peer: &'static str,
    goal: Goal,
    ours: impl FnMut() -> f64,
    theirs: impl FnMut() -> f64,
) -> Row {
    compare_by(|ours, theirs| ours / theirs, work, peer, goal, ours, theirs)
}

/// [`compare`] with a `figure` computed from the two times of a round.
pub fn compare_by(
    figure: impl Fn(f64, f64) -> f64,
    work: impl Into<String>,
    peer: &'static str,
    goal: Goal,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> Row {
    // A round without measurement, to warm caches and the allocator.
    ours();
    theirs();
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(), theirs())).collect();
    let ratio = median(rounds.iter().map(|(ours, theirs)| figure(*ours, *theirs)));
    let least = |values: Vec<f64>| values.into_iter().fold(f64::INFINITY, f64::min);
    let (a, b): (Vec<f64>, Vec<f64>) = rounds.drain(..).unzip();
    Row {
        work: work.into(),
        peer,
        ours: (least(a.clone()), median(a)),
        theirs: (least(b.clone()), median(b)),
        ratio,
        goal,
        note: None,
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns nanoseconds for one call of `work`, over `times` calls.
pub fn each(times: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    nanos(start.elapsed()) / f64::from(times)
}

/// Returns nanoseconds for one call of `work`, divided by its number of `pieces`. The result of
/// `work` is dropped after the measurement.
pub fn once<T>(pieces: u32, work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let kept = work();
    let time = nanos(start.elapsed());
    drop(kept);
    time / f64::from(pieces)
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
