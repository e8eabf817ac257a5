//! The progress display: a bar on a terminal, or else a line every second.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use cancelable_core::RuntimeHandle;
use cancelable_core::operation::{FieldValue, Operation, ProgressRegistration, ProgressSnapshot};
use cancelable_core::runtime::JoinHandle;
use cancelable_indicatif::{Bars, draw_target};
use common::message;
use indicatif::{BinaryBytes, HumanCount, HumanDuration, MultiProgress};

use crate::checkpoint::Checkpoint;
use crate::cli::Options;
use crate::failure::Failure;

/// The interval of plain lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// The progress display. All of it goes to standard error: standard output is for the records.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    form: Form,
}

/// The field of the operation's progress that counts finished lines. Its steps are bytes.
const LINES: &str = "lines";

#[derive(Clone, Debug)]
enum Form {
    Bars(MultiProgress),
    Plain,
    /// Prints a line for each checkpoint.
    Verbose,
    Silent,
}

impl Progress {
    pub(crate) fn new(options: &Options) -> Self {
        let form = match (options.quiet, options.verbose) {
            (true, _) => Form::Silent,
            (false, true) => Form::Verbose,
            (false, false) if io::stderr().is_terminal() => {
                Form::Bars(MultiProgress::with_draw_target(draw_target()))
            }
            (false, false) => Form::Plain,
        };
        Self { form }
    }

    /// Sets the start of the operation's progress, after the work of earlier runs, and the total if
    /// that is known.
    pub(crate) fn begin(&self, op: &Operation, checkpoint: &Checkpoint, length: Option<u64>) {
        let start = op.progress().change().start_at(checkpoint.input.offset);
        match length {
            Some(length) => start.set_total(length).apply(),
            None => start.apply(),
        }
        self.note_checkpoint(op, checkpoint);
    }

    /// Draws the bar of `op`, if there is one, until the operation has ended.
    pub(crate) fn draw(&self, op: &Operation, runtime: &RuntimeHandle) -> Option<JoinHandle<()>> {
        let Form::Bars(screen) = &self.form else {
            return None;
        };
        // The report shows the end.
        let bars = Bars::on(op, screen.clone()).in_bytes().without_reasons();
        Some(runtime.spawn(bars.follow(runtime)))
    }

    /// Prints the progress of `op` in plain lines, if they are wanted, until the registration is
    /// dropped.
    pub(crate) fn follow(&self, op: &Operation) -> Result<Option<ProgressRegistration>, Failure> {
        let Form::Plain = self.form else {
            return Ok(None);
        };
        op.on_progress_every(INTERVAL, |update| say(&update.snapshot()))
            .map(Some)
            .map_err(|error| Failure::other(error.to_string()))
    }

    /// Reports the progress to the operation.
    pub(crate) fn note_checkpoint(&self, op: &Operation, checkpoint: &Checkpoint) {
        let (offset, lines) = (checkpoint.input.offset, checkpoint.input.lines);
        let change = op.progress().change().set_position(offset);
        let change = change.set_field(LINES, lines);
        change.set_message(count_of(lines)).apply();
        if matches!(self.form, Form::Verbose) {
            message(format_args!("pipeline: {lines} lines done, {offset} bytes"));
        }
    }

    /// Prints a message about a line above the bar, even if progress is not wanted.
    pub(crate) fn note(&self, text: &str) {
        let say = || message(format_args!("pipeline: {text}"));
        match &self.form {
            Form::Bars(screen) => screen.suspend(say),
            Form::Plain | Form::Verbose | Form::Silent => say(),
        }
    }
}

/// Formats a plain line: bytes, lines, rate, and time left.
fn say(snapshot: &ProgressSnapshot) {
    let mut line = BinaryBytes(snapshot.position()).to_string();
    if let Some(total) = snapshot.total() {
        // A write to a string cannot fail.
        let _ = write!(line, " of {}", BinaryBytes(total));
    }
    message(format_args!("pipeline: {line}, {}", said(snapshot)));
}

fn count_of(lines: u64) -> String {
    let s = if lines == 1 { "" } else { "s" };
    format!("{} line{s}", HumanCount(lines))
}

/// Formats lines, rate, and time left.
fn said(snapshot: &ProgressSnapshot) -> String {
    let lines = snapshot.field(LINES).and_then(FieldValue::as_u64);
    let mut text = count_of(lines.unwrap_or_default());
    if let Some(rate) = snapshot.rate().filter(|rate| *rate > 0.0) {
        // The rate is far below the limit of exact integers in a float.
        let _ = write!(text, ", {}/s", BinaryBytes(rate as u64));
    }
    if let Some(eta) = snapshot.eta() {
        let _ = write!(text, ", {:#} left", HumanDuration(eta));
    }
    text
}
