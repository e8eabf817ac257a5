//! What is shown while the work goes on: a bar on a terminal, a plain line a second elsewhere.

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

/// How often a plain line is written.
const INTERVAL: Duration = Duration::from_secs(1);

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
    Bars(MultiProgress),
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
            (false, false) if io::stderr().is_terminal() => {
                Form::Bars(MultiProgress::with_draw_target(draw_target()))
            }
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

    /// Draws the bar of `op`, if there is one, until the operation has ended.
    pub(crate) fn draw(&self, op: &Operation, runtime: &RuntimeHandle) -> Option<JoinHandle<()>> {
        let Form::Bars(screen) = &self.form else {
            return None;
        };
        // The report says how it ended.
        let bars = Bars::on(op, screen.clone()).in_bytes().without_reasons();
        Some(runtime.spawn(bars.follow(runtime)))
    }

    /// Says the progress of `op` in plain lines, if that is wanted, until the registration is dropped.
    pub(crate) fn follow(&self, op: &Operation) -> Result<Option<ProgressRegistration>, Failure> {
        let Form::Plain = self.form else {
            return Ok(None);
        };
        op.on_progress_every(INTERVAL, |update| say(&update.snapshot()))
            .map(Some)
            .map_err(|error| Failure::other(error.to_string()))
    }

    /// Notes in the operation how far it has come.
    pub(crate) fn note_checkpoint(&self, op: &Operation, checkpoint: &Checkpoint) {
        let (offset, lines) = (checkpoint.input.offset, checkpoint.input.lines);
        let change = op.progress().change().set_position(offset);
        let change = change.set_field(LINES, lines);
        change.set_message(count_of(lines)).apply();
        if matches!(self.form, Form::Verbose) {
            message(format_args!("pipeline: {lines} lines done, {offset} bytes"));
        }
    }

    /// Says something about a line, above the bar. This is said even when progress is not wanted.
    pub(crate) fn note(&self, text: &str) {
        let say = || message(format_args!("pipeline: {text}"));
        match &self.form {
            Form::Bars(screen) => screen.suspend(say),
            Form::Plain | Form::Verbose | Form::Silent => say(),
        }
    }
}

/// A plain line: bytes, lines, how fast it goes, and how long it will take.
fn say(snapshot: &ProgressSnapshot) {
    let mut line = BinaryBytes(snapshot.position()).to_string();
    if let Some(total) = snapshot.total() {
        // Writing to a string cannot fail.
        let _ = write!(line, " of {}", BinaryBytes(total));
    }
    message(format_args!("pipeline: {line}, {}", said(snapshot)));
}

fn count_of(lines: u64) -> String {
    let s = if lines == 1 { "" } else { "s" };
    format!("{} line{s}", HumanCount(lines))
}

/// The lines, how fast it goes, and how long it will take.
fn said(snapshot: &ProgressSnapshot) -> String {
    let lines = snapshot.field(LINES).and_then(FieldValue::as_u64);
    let mut text = count_of(lines.unwrap_or_default());
    if let Some(rate) = snapshot.rate().filter(|rate| *rate > 0.0) {
        // A rate is far from where a float cannot count bytes.
        let _ = write!(text, ", {}/s", BinaryBytes(rate as u64));
    }
    if let Some(eta) = snapshot.eta() {
        let _ = write!(text, ", {:#} left", HumanDuration(eta));
    }
    text
}
