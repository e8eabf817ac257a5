//! What is shown while the work goes on: a bar on a terminal, a plain line a second elsewhere.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::tally::Tally;

const BAR: &str = "{bar:24} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}  \
                   ETA {eta}  {msg}";

/// Where progress is shown. Everything goes to standard error: standard output is for the lines.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Plain,
    Silent,
}

impl Progress {
    /// A bar if a person is watching, plain lines if not.
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Plain;
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// How often [`show`](Self::show) has something new to show.
    pub(crate) fn interval(&self) -> Duration {
        match self {
            Self::Bar(_) => Duration::from_millis(100),
            Self::Plain | Self::Silent => Duration::from_secs(1),
        }
    }

    /// Shows how far the work has come.
    pub(crate) fn show(&self, tally: &Tally, elapsed: Duration) {
        match self {
            Self::Bar(bar) => {
                let files = tally.settled.load(Relaxed);
                let counted = tally.counted.load(Relaxed).max(files);
                bar.set_length(tally.counted_bytes.load(Relaxed));
                bar.set_position(tally.read_bytes.load(Relaxed));
                bar.set_message(format!(
                    "{}/{} files",
                    HumanCount(files),
                    HumanCount(counted)
                ));
            }
            Self::Plain => eprintln!("checksum: {}", plain(tally, elapsed)),
            Self::Silent => {}
        }
    }

    /// Says something about a file, above the bar.
    pub(crate) fn note(&self, text: &str) {
        self.aside(|| eprintln!("checksum: {text}"));
    }

    /// Does something to the terminal while the bar is out of its way.
    pub(crate) fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        match self {
            Self::Bar(bar) => bar.suspend(act),
            Self::Plain | Self::Silent => act(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// One line for a log: files, bytes, rate, time left.
fn plain(tally: &Tally, elapsed: Duration) -> String {
    let files = tally.settled.load(Relaxed);
    let counted = tally.counted.load(Relaxed).max(files);
    let bytes = tally.read_bytes.load(Relaxed);
    let total = tally.counted_bytes.load(Relaxed).max(bytes);
    let counted_all = tally.counted_all.load(Relaxed);
    let at_least = if counted_all { "" } else { "at least " };
    let rate = rate(bytes, elapsed);
    let mut line = format!(
        "{} of {at_least}{} files, {} of {at_least}{}, {}/s",
        HumanCount(files),
        HumanCount(counted),
        BinaryBytes(bytes),
        BinaryBytes(total),
        BinaryBytes(rate),
    );
    if counted_all && rate > 0 {
        let left = HumanDuration(Duration::from_secs((total - bytes) / rate));
        // Writing to a string cannot fail.
        let _ = write!(line, ", {left:#} left");
    }
    line
}

/// Bytes a second.
pub(crate) fn rate(bytes: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_files_bytes_rate_and_the_time_left() {
        let tally = Tally::default();
        tally.counted.store(100_000, Relaxed);
        tally.counted_bytes.store(8 << 30, Relaxed);
        tally.settled.store(1234, Relaxed);
        tally.read_bytes.store(2 << 30, Relaxed);
        assert_eq!(
            plain(&tally, Duration::from_secs(2)),
            "1,234 of at least 100,000 files, 2.00 GiB of at least 8.00 GiB, 1.00 GiB/s"
        );
        tally.counted_all.store(true, Relaxed);
        assert_eq!(
            plain(&tally, Duration::from_secs(2)),
            "1,234 of 100,000 files, 2.00 GiB of 8.00 GiB, 1.00 GiB/s, 6s left"
        );
    }

    #[test]
    fn a_rate_needs_no_time_to_have_passed() {
        assert_eq!(rate(10, Duration::ZERO), 10_000_000);
        assert_eq!(rate(u64::MAX, Duration::ZERO), u64::MAX);
    }
}
