//! The bars of an operation and of all operations below it.

use crate::line::Line;
use crate::printer::Printer;
use crate::terminal::{self, draw_target};
use crate::unit::Unit;
use cancelable_core::cause::OperationId;
use cancelable_core::error::InvalidArgument;
use cancelable_core::{Operation, RuntimeHandle};
use indicatif::{MultiProgress, ProgressBar};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(100);
const MOST: usize = 20;

/// Progress bars for an operation and all operations below it, a line for each that makes progress.
///
/// A line shows the overall figures, which include the operations below. It is removed when its operation
/// ends. A cancelled or failed operation leaves a line of text with the cause of the cancel or the
/// [text of the error](Operation::error). An operation that begins and ends between two draws is not
/// shown. Nothing is drawn if standard error is no terminal.
///
/// A line takes one row, and leaves out its least important parts in a narrow terminal. Print other text
/// above the bars, by [`println`](Self::println) or a [`printer`](Self::printer).
///
/// The drop removes the lines.
#[must_use = "it draws when it follows or is told to"]
pub struct Bars {
    operation: Operation,
    screen: MultiProgress,
    interval: Duration,
    most: usize,
    unit: Unit,
    says_why: bool,
    columns: Option<usize>,
    lines: BTreeMap<OperationId, Line>,
}

impl Bars {
    /// Bars for `operation` on standard error.
    pub fn new(operation: &Operation) -> Self {
        let target = draw_target();
        Self::on(operation, MultiProgress::with_draw_target(target))
    }

    /// Bars for `operation` among those of `screen`, on which the caller may draw too. A `screen` that is made
    /// with [`draw_target`] leaves no line behind where the terminal echoes `^C`.
    pub fn on(operation: &Operation, screen: MultiProgress) -> Self {
        Self {
            operation: operation.clone(),
            screen,
            interval: INTERVAL,
            most: MOST,
            unit: Unit::Steps,
            says_why: true,
            columns: None,
            lines: BTreeMap::new(),
        }
    }

    /// Sets the interval between two draws of [`follow`](Self::follow). The default is a tenth of a second.
    ///
    /// # Errors
    ///
    /// The interval is zero.
    pub fn every(mut self, interval: Duration) -> Result<Self, InvalidArgument> {
        if interval.is_zero() {
            return Err(InvalidArgument::new(
                "interval",
                "is zero: give a longer one",
            ));
        }
        self.interval = interval;
        Ok(self)
    }

    /// Bounds the number of lines; the first operations of the tree have one. The default is 20.
    pub fn at_most(mut self, lines: usize) -> Self {
        self.most = lines;
        self
    }

    /// Writes positions, totals and rates as bytes, in powers of 1024: `1.50 MiB`.
    pub fn in_bytes(mut self) -> Self {
        self.unit = Unit::Bytes;
        self
    }

    /// Leaves no line of text for cancelled and failed operations, for a program that prints its own.
    pub fn without_reasons(mut self) -> Self {
        self.says_why = false;
        self
    }

    /// Sets the width of the lines, for a screen other than standard error. The default is the width of the
    /// terminal on standard error.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Returns a handle that prints above these bars, for use after [`follow`](Self::follow) has taken them.
    pub fn printer(&self) -> Printer {
        Printer::new(self.screen.clone())
    }

    /// Prints a line above the bars, as [`Printer::println`] does.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let scope = cancelable_core::Scope::builder("import").build().expect("it has a name");
    /// let mut bars = cancelable_indicatif::Bars::new(&scope);
    /// bars.draw();
    /// bars.println("row 7 has no date");
    /// ```
    pub fn println(&self, line: impl fmt::Display) {
        self.printer().println(line);
    }

    /// Removes the bars, calls `act`, which may print anywhere, and draws the bars again, as
    /// [`Printer::suspend`] does.
    pub fn suspend<R>(&self, act: impl FnOnce() -> R) -> R {
        self.screen.suspend(act)
    }

    /// Draws until the operation has ended, and then removes the bars. Spawn the future, or poll it beside the
    /// work.
    ///
    /// # Cancel safety
    ///
    /// The drop removes the bars.
    pub fn follow(mut self, runtime: &RuntimeHandle) -> impl Future<Output = ()> + Send + use<> {
        let runtime = runtime.clone();
        async move {
            // Ends with the operation.
            loop {
                self.draw();
                let closed = self.operation.finished();
                if runtime.timeout(self.interval, closed).await.is_ok() {
                    return self.draw();
                }
            }
        }
    }

    /// Draws once, for a program with a loop of its own.
    pub fn draw(&mut self) {
        let columns = self.columns.unwrap_or_else(terminal::columns);
        let present = self.present();
        self.bury(&present);
        let mut above: Option<ProgressBar> = None;
        for (operation, depth) in present {
            let id = operation.id();
            let line = self.lines.entry(id).or_insert_with(|| {
                let bar = ProgressBar::no_length();
                let bar = match &above {
                    Some(above) => self.screen.insert_after(above, bar),
                    None => self.screen.add(bar),
                };
                Line::new(operation, depth, self.unit, bar)
            });
            line.draw(columns);
            above = Some(line.bar.clone());
        }
    }

    /// Returns the operations to be drawn in tree order: each before the operations below it.
    fn present(&self) -> Vec<(Operation, usize)> {
        let mut present = Vec::new();
        if self.operation.status().is_terminal() {
            return present;
        }
        let mut open = vec![(self.operation.clone(), 0)];
        while let (Some((operation, depth)), true) = (open.pop(), present.len() < self.most) {
            let parts = operation.progress().children();
            open.extend(parts.into_iter().rev().map(|part| (part, depth + 1)));
            present.push((operation, depth));
        }
        present
    }

    /// Removes the lines of operations that have ended, the innermost first.
    fn bury(&mut self, present: &[(Operation, usize)]) {
        let gone = self.lines.keys().rev().copied();
        let is_there =
            |id: &OperationId| present.iter().any(|(operation, _)| operation.id() == *id);
        let gone: Vec<_> = gone.filter(|id| !is_there(id)).collect();
        for line in gone.iter().filter_map(|id| self.lines.remove(id)) {
            line.bar.finish_and_clear();
            self.screen.remove(&line.bar);
            if let Some(text) = line.epitaph().filter(|_| self.says_why) {
                // An error means that the terminal is gone. The operation goes on without bars.
                let _ = self.screen.println(text);
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for line in std::mem::take(&mut self.lines).into_values() {
            line.bar.finish_and_clear();
            self.screen.remove(&line.bar);
        }
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars")
            .field("operation", &self.operation)
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}
