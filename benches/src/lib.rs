//! Measures pairs of programs that do the same work, one ours and one a peer's, in turn in one
//! process, and reports the ratio of their times.
//!
//! A time alone says little on a machine that is shared; a ratio of two times that were taken one
//! after the other does. Each round runs both, and the median of the rounds' ratios is the figure.

#![allow(clippy::disallowed_methods)] // A benchmark is what reads the clock.

pub mod peers;
pub mod plot;
pub mod registry;
pub mod report;
pub mod scaling;
pub mod scopes;
pub mod streams;
pub mod threads;
pub mod tokens;

use std::time::{Duration, Instant};

/// How many rounds a row is measured in. Odd, so that there is a median.
const ROUNDS: usize = 15;

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The work that is measured.
    pub work: String,
    /// Who is measured beside it.
    pub peer: &'static str,
    /// Nanoseconds for one piece of the work by ours: the least and the median of the rounds.
    pub ours: (f64, f64),
    /// The same for the peer.
    pub theirs: (f64, f64),
    /// The median of the rounds' ratios, ours to theirs; or of what ours takes on top, in
    /// nanoseconds, where the table says so.
    pub ratio: f64,
    /// The figure to reach.
    pub goal: Goal,
}

/// What a ratio has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Row {
    /// Whether the goal is reached.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(limit) => self.ratio <= limit,
            Goal::AtLeast(limit) => self.ratio >= limit,
        }
    }
}

/// Measures two programs that each say how long their pieces of work took.
pub fn compare(
    work: impl Into<String>,
    peer: &'static str,
    goal: Goal,
    ours: impl FnMut() -> f64,
    theirs: impl FnMut() -> f64,
) -> Row {
    compare_by(|ours, theirs| ours / theirs, work, peer, goal, ours, theirs)
}

/// As [`compare`], for what `figure` makes of the two times of a round.
pub fn compare_by(
    figure: impl Fn(f64, f64) -> f64,
    work: impl Into<String>,
    peer: &'static str,
    goal: Goal,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> Row {
    // One round that does not count, to warm caches and the allocator.
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
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds for one call of `work`, over `times` calls.
pub fn each(times: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    nanos(start.elapsed()) / f64::from(times)
}

/// Nanoseconds that one call of `work` takes, divided by the `pieces` that it does. What `work`
/// returns is dropped after the clock has stopped.
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
