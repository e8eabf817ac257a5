//! The line of one operation.

use crate::unit::Unit;
use cancelable_core::cause::escaped;
use cancelable_core::operation::{ProgressFigures, ProgressSnapshot};
use cancelable_core::{Operation, Status};
use indicatif::{HumanDuration, ProgressBar};
use std::fmt::Write as _;

pub(crate) struct Line {
    operation: Operation,
    depth: usize,
    unit: Unit,
    pub(crate) bar: ProgressBar,
    /// Whether it has the style of a bar now.
    has_total: bool,
}

impl Line {
    /// A line that `bar` draws, as a spinner at first.
    pub(crate) fn new(operation: Operation, depth: usize, unit: Unit, bar: ProgressBar) -> Self {
        bar.set_prefix(format!("{}{}", indent(depth), operation.label()));
        bar.set_style(unit.style(false));
        Self {
            operation,
            depth,
            unit,
            bar,
            has_total: false,
        }
    }

    /// Draws how far the operation has come, with everything below it.
    pub(crate) fn draw(&mut self) {
        let snapshot = self.operation.progress().snapshot();
        let overall = snapshot.overall();
        if self.has_total != overall.total().is_some() {
            self.has_total = overall.total().is_some();
            self.bar.set_style(self.unit.style(self.has_total));
        }
        self.bar.set_message(self.message(&snapshot));
        match overall.total() {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(overall.position());
        self.bar.tick();
    }

    fn message(&self, snapshot: &ProgressSnapshot) -> String {
        let mut message = speed(snapshot.overall(), self.unit);
        let said = match self.operation.cause() {
            Some(cause) => Some(format!("stopping: {cause}")),
            None => snapshot.message().map(|said| escaped(said).to_string()),
        };
        if let Some(said) = said {
            if !message.is_empty() {
                message.push_str("  ");
            }
            message.push_str(&said);
        }
        message
    }

    /// What is left to be said of an operation that has ended, if it was cut short or has failed. What
    /// only followed the cancel of one above says nothing, unless it is the first line.
    pub(crate) fn epitaph(&self) -> Option<String> {
        let head = format!("{}{}", indent(self.depth), self.operation.label());
        match (self.operation.status(), self.operation.cause()) {
            (Status::Cancelled, Some(cause)) if cause.is_inherited() && self.depth > 0 => None,
            (Status::Cancelled, Some(cause)) => Some(format!("{head} cancelled: {cause}")),
            (Status::Failed, _) => Some(match self.operation.error_text() {
                Some(words) => format!("{head} failed: {}", escaped(&words)),
                None => format!("{head} failed"),
            }),
            _ => None,
        }
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

/// Rate and time left, by the clock of the operation's runtime.
fn speed(figures: &ProgressFigures, unit: Unit) -> String {
    let rate = figures.rate().map(|rate| unit.rate(rate));
    let mut text = rate.unwrap_or_default();
    if let Some(eta) = figures.eta().filter(|eta| !eta.is_zero()) {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {:#} left", HumanDuration(eta));
    }
    text
}
