//! What is shown while the work goes on: a bar on a terminal, a plain line a second elsewhere.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use cancelable_core::operation::{Operation, ProgressRegistration, ProgressSnapshot};
use indicatif::{BinaryBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::checkpoint::Checkpoint;
use crate::cli::Options;
use crate::failure::Failure;

const BAR: &str = "{bar:24} {binary_bytes}/{binary_total_bytes}  {msg}";
const COUNTER: &str = "{spinner} {binary_bytes}  {msg}";

/// The key of the field of the operation's progress that has the lines; its steps are bytes.
const LINES: &str = "lines";

/// Where progress is shown. Everything goes to standard error: standard output is for the records.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Plain,
    /// A line for each checkpoint.
    Verbose,
    Silent,
}

impl Progress {
    pub(crate) fn new(options: &Options) -> Self {
        match (options.quiet, options.verbose) {
            (true, _) => Self::Silent,
            (false, true) => Self::Verbose,
            (false, false) if io::stderr().is_terminal() => Self::Bar(ProgressBar::no_length()),
            (false, false) => Self::Plain,
        }
    }

    /// Shows the progress of `op` from now on, until the registration is dropped.
    pub(crate) fn follow(&self, op: &Operation) -> Result<Option<ProgressRegistration>, Failure> {
        let (interval, progress) = (self.interval(), self.clone());
        let Some(interval) = interval else {
            return Ok(None);
        };
        if let Self::Bar(bar) = self {
            let template = if op.progress().total().is_some() {
                BAR
            } else {
                COUNTER
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        }
        op.on_progress_every(interval, move |update| progress.show(&update.snapshot()))
            .map(Some)
            .map_err(|error| Failure::other(error.to_string()))
    }

    /// Notes in the operation how far it has come.
    pub(crate) fn note_checkpoint(&self, op: &Operation, checkpoint: &Checkpoint) {
        let (offset, lines) = (checkpoint.input.offset, checkpoint.input.lines);
        op.progress().set_field(LINES, lines);
        op.progress().set_position(offset);
        if matches!(self, Self::Verbose) {
            eprintln!("pipeline: {lines} lines done, {offset} bytes");
        }
    }

    /// Says something about a line, above the bar. This is said even when progress is not wanted.
    pub(crate) fn note(&self, text: &str) {
        let say = || eprintln!("pipeline: {text}");
        match self {
            Self::Bar(bar) => bar.suspend(say),
            Self::Plain | Self::Verbose | Self::Silent => say(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    fn interval(&self) -> Option<Duration> {
        match self {
            Self::Bar(_) => Some(Duration::from_millis(100)),
            Self::Plain => Some(Duration::from_secs(1)),
            Self::Verbose | Self::Silent => None,
        }
    }

    fn show(&self, snapshot: &ProgressSnapshot) {
        match self {
            Self::Bar(bar) => {
                if let Some(total) = snapshot.total() {
                    bar.set_length(total);
                }
                bar.set_position(snapshot.position());
                bar.set_message(said(snapshot));
            }
            Self::Plain => {
                let mut line = BinaryBytes(snapshot.position()).to_string();
                if let Some(total) = snapshot.total() {
                    // Writing to a string cannot fail.
                    let _ = write!(line, " of {}", BinaryBytes(total));
                }
                eprintln!("pipeline: {line}, {}", said(snapshot));
            }
            Self::Verbose | Self::Silent => {}
        }
    }
}

/// The lines, how fast it goes, and how long it will take.
fn said(snapshot: &ProgressSnapshot) -> String {
    let lines = snapshot.field(LINES).and_then(|lines| lines.as_u64());
    let mut text = format!("{} lines", HumanCount(lines.unwrap_or_default()));
    if let Some(rate) = snapshot.rate().filter(|rate| *rate > 0.0) {
        // A rate is far from where a float cannot count bytes.
        let _ = write!(text, ", {}/s", BinaryBytes(rate as u64));
    }
    if let Some(eta) = snapshot.eta() {
        let _ = write!(text, ", {:#} left", HumanDuration(eta));
    }
    text
}
