//! What is shown while the work goes on: a bar on a terminal, a plain line a second elsewhere.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use cancelable_core::operation::{FieldValue, Operation, ProgressRegistration, ProgressSnapshot};
use common::message;
use indicatif::{BinaryBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::checkpoint::Checkpoint;
use crate::cli::Options;
use crate::failure::Failure;

const BAR: &str = "{bar:24} {binary_bytes}/{binary_total_bytes}  {msg}";
const COUNTER: &str = "{spinner} {binary_bytes}  {msg}";

/// What is shown of how far the run has come. Everything goes to standard error: standard output is
/// for the records.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    form: Form,
}

/// The field of the operation's progress that has the lines that are done. Its steps are bytes.
const LINES: &str = "lines";

#[derive(Clone, Debug)]
enum Form {
    Bar(ProgressBar),
    Plain,
    /// A line for each checkpoint.
    Verbose,
    Silent,
}

impl Progress {
    pub(crate) fn new(options: &Options) -> Self {
        let form = match (options.quiet, options.verbose) {
            (true, _) => Form::Silent,
            (false, true) => Form::Verbose,
            (false, false) if io::stderr().is_terminal() => Form::Bar(ProgressBar::no_length()),
            (false, false) => Form::Plain,
        };
        Self { form }
    }

    /// Notes in the operation where it begins, behind what was done before this run, and where the
    /// end is if that is known.
    pub(crate) fn begin(&self, op: &Operation, checkpoint: &Checkpoint, length: Option<u64>) {
        let start = op.progress().change().start_at(checkpoint.input.offset);
        match length {
            Some(length) => start.set_total(length).apply(),
            None => start.apply(),
        }
        self.note_checkpoint(op, checkpoint);
    }

    /// Shows the progress of `op` from now on, until the registration is dropped.
    pub(crate) fn follow(&self, op: &Operation) -> Result<Option<ProgressRegistration>, Failure> {
        let (interval, progress) = (self.interval(), self.clone());
        let Some(interval) = interval else {
            return Ok(None);
        };
        if let Form::Bar(bar) = &self.form {
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
        let change = op.progress().change().set_position(offset);
        change.set_field(LINES, lines).apply();
        if matches!(self.form, Form::Verbose) {
            message(format_args!("pipeline: {lines} lines done, {offset} bytes"));
        }
    }

    /// Says something about a line, above the bar. This is said even when progress is not wanted.
    pub(crate) fn note(&self, text: &str) {
        let say = || message(format_args!("pipeline: {text}"));
        match &self.form {
            Form::Bar(bar) => bar.suspend(say),
            Form::Plain | Form::Verbose | Form::Silent => say(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }

    fn interval(&self) -> Option<Duration> {
        match &self.form {
            Form::Bar(_) => Some(Duration::from_millis(100)),
            Form::Plain => Some(Duration::from_secs(1)),
            Form::Verbose | Form::Silent => None,
        }
    }

    fn show(&self, snapshot: &ProgressSnapshot) {
        let (position, total) = (snapshot.position(), snapshot.total());
        match &self.form {
            Form::Bar(bar) => {
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(position);
                bar.set_message(said(snapshot));
            }
            Form::Plain => {
                let mut line = BinaryBytes(position).to_string();
                if let Some(total) = total {
                    // Writing to a string cannot fail.
                    let _ = write!(line, " of {}", BinaryBytes(total));
                }
                message(format_args!("pipeline: {line}, {}", said(snapshot)));
            }
            Form::Verbose | Form::Silent => {}
        }
    }
}

/// The lines, how fast it goes, and how long it will take.
fn said(snapshot: &ProgressSnapshot) -> String {
    let lines = snapshot.field(LINES).and_then(FieldValue::as_u64);
    let lines = lines.unwrap_or_default();
    let s = if lines == 1 { "" } else { "s" };
    let mut text = format!("{} line{s}", HumanCount(lines));
    if let Some(rate) = snapshot.rate().filter(|rate| *rate > 0.0) {
        // A rate is far from where a float cannot count bytes.
        let _ = write!(text, ", {}/s", BinaryBytes(rate as u64));
    }
    if let Some(eta) = snapshot.eta() {
        let _ = write!(text, ", {:#} left", HumanDuration(eta));
    }
    text
}
