//! The progress display: a bar on a terminal, or else a line every second.
//!
//! Both read the progress of the job's operation. The workers add each chunk to its bytes, and know
//! nothing of the display.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cancelable_core::operation::ProgressSnapshot;
use cancelable_core::runtime::JoinHandle;
use cancelable_core::{Operation, RuntimeHandle};
use cancelable_indicatif::{Bars, draw_target};
use common::message;
use indicatif::{BinaryBytes, HumanCount, HumanDuration, MultiProgress};

use crate::tally::Tally;

/// The progress display. All of it goes to standard error: standard output is for the lines.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    Bars(MultiProgress),
    Plain,
    Silent,
}

impl Progress {
    /// Returns a bar on a terminal, or else plain lines.
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Silent
        } else if io::stderr().is_terminal() {
            Self::Bars(MultiProgress::with_draw_target(draw_target()))
        } else {
            Self::Plain
        }
    }

    /// Draws the bar, if there is one, until the operation has ended.
    pub(crate) fn follow(
        &self,
        operation: &Operation,
        runtime: &RuntimeHandle,
    ) -> Option<JoinHandle<()>> {
        let Self::Bars(screen) = self else {
            return None;
        };
        // The report shows the end.
        let bars = Bars::on(operation, screen.clone())
            .in_bytes()
            .without_reasons();
        Some(runtime.spawn(bars.follow(runtime)))
    }

    /// Returns the interval at which [`show`](Self::show) has something new to show.
    pub(crate) fn interval(&self) -> Duration {
        match self {
            Self::Bars(_) => Duration::from_millis(100),
            Self::Plain | Self::Silent => Duration::from_secs(1),
        }
    }

    /// Shows the progress of the operation.
    pub(crate) fn show(&self, tally: &Tally, operation: &Operation) {
        if let Self::Plain = self {
            let line = plain(tally, &operation.progress().snapshot());
            message(format_args!("checksum: {line}"));
        }
    }

    /// Prints a message about a file above the bar.
    pub(crate) fn note(&self, text: &str) {
        self.aside(|| message(format_args!("checksum: {text}")));
    }

    /// Writes to the terminal while the bar is hidden.
    pub(crate) fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        match self {
            Self::Bars(screen) => screen.suspend(act),
            Self::Plain | Self::Silent => act(),
        }
    }
}

/// Reports the number of finished files to the operation. The workers report the bytes, and the
/// survey their total at its end.
pub(crate) fn say_files(tally: &Tally, operation: &Operation) {
    let files = tally.settled.load(Relaxed);
    let counted = tally.counted.load(Relaxed).max(files);
    let progress = operation.progress();
    progress.set_field("files", files);
    progress.set_field("files_counted", counted);
    progress.set_message(if tally.counted_all.load(Relaxed) {
        format!("{}/{} files", HumanCount(files), HumanCount(counted))
    } else {
        format!("{} files", HumanCount(files))
    });
}

/// A line for a log: files, bytes, rate, time left.
fn plain(tally: &Tally, snapshot: &ProgressSnapshot) -> String {
    let files = tally.settled.load(Relaxed);
    let counted = tally.counted.load(Relaxed).max(files);
    let bytes = snapshot.position();
    let total = tally.counted_bytes.load(Relaxed).max(bytes);
    let at_least = match snapshot.total() {
        Some(_) => "",
        None => "at least ",
    };
    let mut line = format!(
        "{} of {at_least}{} files, {} of {at_least}{}, {}/s",
        HumanCount(files),
        HumanCount(counted),
        BinaryBytes(bytes),
        BinaryBytes(total),
        BinaryBytes(snapshot.rate().unwrap_or(0.0) as u64),
    );
    if let Some(left) = snapshot.eta() {
        // A write to a string cannot fail.
        let _ = write!(line, ", {:#} left", HumanDuration(left));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use cancelable_core::Scope;
    use cancelable_core::testing::ManualRuntime;

    #[test]
    fn a_line_has_files_bytes_rate_and_the_time_left() {
        let manual = ManualRuntime::new();
        let scope = Scope::builder("checksum").runtime(&manual.handle());
        let scope = scope.build().unwrap();
        let tally = Tally::default();
        tally.counted.store(100_000, Relaxed);
        tally.counted_bytes.store(8 << 30, Relaxed);
        tally.settled.store(1234, Relaxed);
        scope.progress().advance(0);
        manual.advance(Duration::from_secs(2));
        scope.progress().advance(2 << 30);
        assert_eq!(
            plain(&tally, &scope.progress().snapshot()),
            "1,234 of at least 100,000 files, 2.00 GiB of at least 8.00 GiB, 1.00 GiB/s"
        );
        scope.progress().set_total(8 << 30);
        assert_eq!(
            plain(&tally, &scope.progress().snapshot()),
            "1,234 of 100,000 files, 2.00 GiB of 8.00 GiB, 1.00 GiB/s, 6s left"
        );
    }

    #[test]
    fn the_operation_says_how_many_files_there_are_once_all_are_counted() {
        let scope = Scope::builder("checksum").build().unwrap();
        let tally = Tally::default();
        tally.counted.store(5000, Relaxed);
        tally.settled.store(1234, Relaxed);
        say_files(&tally, &scope);
        let snapshot = scope.progress().snapshot();
        assert_eq!(snapshot.message(), Some("1,234 files"));
        tally.counted_all.store(true, Relaxed);
        say_files(&tally, &scope);
        let snapshot = scope.progress().snapshot();
        assert_eq!(snapshot.message(), Some("1,234/5,000 files"));
        let field = |key| snapshot.field(key).and_then(|field| field.as_u64());
        assert_eq!(
            (field("files"), field("files_counted")),
            (Some(1234), Some(5000))
        );
    }
}
