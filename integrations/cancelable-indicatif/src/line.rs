//! The line of one operation.

use crate::layout::Layout;
use crate::unit::Unit;
use cancelable_core::cause::escaped;
use cancelable_core::operation::ProgressSnapshot;
use cancelable_core::{Operation, Status};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// A frame for each draw.
const SPINNER: [char; 8] = ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'];

pub(crate) struct Line {
    operation: Operation,
    depth: usize,
    unit: Unit,
    pub(crate) bar: ProgressBar,
    looks: usize,
}

impl Line {
    /// A line drawn by `bar`.
    pub(crate) fn new(operation: Operation, depth: usize, unit: Unit, bar: ProgressBar) -> Self {
        bar.set_style(style());
        Self {
            operation,
            depth,
            unit,
            bar,
            looks: 0,
        }
    }

    /// Draws the progress of the operation, with the operations below it, in `columns` columns.
    pub(crate) fn draw(&mut self, columns: usize) {
        let snapshot = self.operation.progress().snapshot();
        let overall = snapshot.overall();
        let eta = overall.eta().filter(|eta| !eta.is_zero());
        self.looks = (self.looks + 1) % SPINNER.len();
        let layout = Layout {
            label: &self.label(),
            fraction: overall.fraction().map(|fraction| fraction as f32),
            spinner: SPINNER[self.looks],
            figures: &self.unit.figures(overall),
            rate: overall.rate().map(|rate| self.unit.rate(rate)),
            eta: eta.map(|eta| format!("{:#} left", HumanDuration(eta))),
            message: self.message(&snapshot),
        };
        self.bar.set_message(layout.line(columns));
        self.bar.tick();
    }

    fn label(&self) -> String {
        format!("{}{}", indent(self.depth), self.operation.label())
    }

    /// Returns the cause of a cancel, or else the message of the progress.
    fn message(&self, snapshot: &ProgressSnapshot) -> Option<String> {
        match self.operation.cause() {
            Some(cause) => Some(format!("stopping: {}", cause.without_location())),
            None => snapshot.message().map(|said| escaped(said).to_string()),
        }
    }

    /// Returns the text that an ended operation leaves, if it was cancelled or has failed. An operation that
    /// inherited the cancel leaves none, unless it is the first line.
    pub(crate) fn epitaph(&self) -> Option<String> {
        let head = self.label();
        match (self.operation.status(), self.operation.cause()) {
            (Status::Cancelled, Some(cause)) if cause.is_inherited() && self.depth > 0 => None,
            (Status::Cancelled, Some(cause)) => {
                Some(format!("{head} cancelled: {}", cause.without_location()))
            }
            (Status::Failed, _) => Some(match self.operation.error() {
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

/// The template is a constant that a test draws, so the default only avoids a panic. Text that is too long for the
/// terminal is cut and does not wrap.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}
