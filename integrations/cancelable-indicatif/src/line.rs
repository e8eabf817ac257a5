//! The line of one operation.

use crate::layout::Layout;
use crate::unit::Unit;
use cancelable_core::cause::escaped;
use cancelable_core::operation::ProgressSnapshot;
use cancelable_core::{Operation, Status};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// The frames of the spinner, one for each draw.
const SPINNER: [char; 8] = ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'];

pub(crate) struct Line {
    operation: Operation,
    depth: usize,
    unit: Unit,
    pub(crate) bar: ProgressBar,
    draws: usize,
}

impl Line {
    /// Returns a line that `bar` draws.
    pub(crate) fn new(operation: Operation, depth: usize, unit: Unit, bar: ProgressBar) -> Self {
        bar.set_style(style());
        Self {
            operation,
            depth,
            unit,
            bar,
            draws: 0,
        }
    }

    /// Draws the progress of the operation and its descendants in `columns` columns.
    pub(crate) fn draw(&mut self, columns: usize) {
        let snapshot = self.operation.progress().snapshot();
        let overall = snapshot.overall();
        let eta = overall.eta().filter(|eta| !eta.is_zero());
        self.draws = (self.draws + 1) % SPINNER.len();
        let layout = Layout {
            label: &self.label(),
            fraction: overall.fraction().map(|fraction| fraction as f32),
            spinner: SPINNER[self.draws],
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

    /// Returns the cause of a cancel, or otherwise the message of the progress.
    fn message(&self, snapshot: &ProgressSnapshot) -> Option<String> {
        match self.operation.cause() {
            Some(cause) => Some(format!("stopping: {}", cause.without_location())),
            None => snapshot
                .message()
                .map(|message| escaped(message).to_string()),
        }
    }

    /// Returns the text that a cancelled or failed operation leaves. An operation that inherited the cancel leaves no
    /// text, unless its line is the first.
    pub(crate) fn last_text(&self) -> Option<String> {
        let head = self.label();
        match (self.operation.status(), self.operation.cause()) {
            (Status::Cancelled, Some(cause)) if cause.is_inherited() && self.depth > 0 => None,
            (Status::Cancelled, Some(cause)) => {
                Some(format!("{head} cancelled: {}", cause.without_location()))
            }
            (Status::Failed, _) => Some(match self.operation.error() {
                Some(text) => format!("{head} failed: {}", escaped(&text)),
                None => format!("{head} failed"),
            }),
            _ => None,
        }
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

/// Returns the style of a line. Text that is too long for the terminal is cut and does not wrap.
///
/// The template is a constant that a test draws, so the default only avoids a panic.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}
