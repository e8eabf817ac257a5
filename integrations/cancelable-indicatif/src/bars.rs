//! The lines of an operation and of everything below it.

use crate::line::Line;
use crate::printer::Printer;
use crate::terminal::{self, draw_target};
use crate::unit::Unit;
use crate::zero_interval::ZeroInterval;
use cancelable_core::cause::OperationId;
use cancelable_core::{Operation, RuntimeHandle};
use indicatif::{MultiProgress, ProgressBar};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(100);
const MOST: usize = 20;

/// Draws the progress of an operation and of everything below it, a line for each that has some.
///
/// A line shows the overall figures, those of what is below included. It goes when its operation
/// ends, and one that was cancelled or failed leaves a line of text that says why: the cause of the
/// cancel, or the [words of the failure](Operation::error_text). An operation that begins and ends between
/// two looks is not seen. Nothing is drawn where standard error is no terminal.
///
/// A line takes one row: what says least is left out where there is no room for it. What is to be
/// printed meanwhile goes above the bars, by [`println`](Self::println) or a [`printer`](Self::printer).
///
/// Dropping it takes its lines away.
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

    /// Bars for `operation` among those of `screen`, which the caller may draw on too. One that is made with
    /// [`draw_target`] leaves no line behind where the terminal echoes `^C`.
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

    /// Looks once in each `interval` when it [follows](Self::follow), instead of ten times a second.
    ///
    /// # Errors
    ///
    /// The interval is zero.
    pub fn every(mut self, interval: Duration) -> Result<Self, ZeroInterval> {
        if interval.is_zero() {
            return Err(ZeroInterval);
        }
        self.interval = interval;
        Ok(self)
    }

    /// Draws no more than `lines` lines, instead of 20, those that come first in the tree.
    pub fn at_most(mut self, lines: usize) -> Self {
        self.most = lines;
        self
    }

    /// Writes positions, totals and rates as bytes, in powers of 1024: `1.50 MiB`.
    pub fn in_bytes(mut self) -> Self {
        self.unit = Unit::Bytes;
        self
    }

    /// Leaves no line of text for what was cancelled or failed: for a program that says so itself.
    pub fn without_reasons(mut self) -> Self {
        self.says_why = false;
        self
    }

    /// Lays lines out for a screen of so many columns, instead of for the terminal that standard error
    /// is: for one that draws elsewhere.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Returns what prints above these bars, for code that does not have them: once they
    /// [`follow`](Self::follow) their operation, nobody has.
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

    /// Takes the bars away, calls `act`, which may print where it likes, and draws them again, as
    /// [`Printer::suspend`] does.
    pub fn suspend<R>(&self, act: impl FnOnce() -> R) -> R {
        self.screen.suspend(act)
    }

    /// Draws until the operation has ended, and then takes the bars away. Spawn it, or poll it
    /// beside the work.
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes the bars away.
    pub fn follow(mut self, runtime: &RuntimeHandle) -> impl Future<Output = ()> + Send + use<> {
        let runtime = runtime.clone();
        async move {
            // Ends with the operation.
            loop {
                self.draw();
                let closed = self.operation.closed();
                if runtime.timeout(self.interval, closed).await.is_ok() {
                    return self.draw();
                }
            }
        }
    }

    /// Looks once, and draws what is there: for those who have a loop of their own.
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

    /// The operations to be drawn, in the order of the tree: each before those below it.
    fn present(&self) -> Vec<(Operation, usize)> {
        let mut present = Vec::new();
        if self.operation.status().is_closed() {
            return present;
        }
        let mut open = vec![(self.operation.clone(), 0)];
        while let (Some((operation, depth)), true) = (open.pop(), present.len() < self.most) {
            let parts = operation.progress().parts();
            open.extend(parts.into_iter().rev().map(|part| (part, depth + 1)));
            present.push((operation, depth));
        }
        present
    }

    /// Takes the lines away of what is not there any more, the innermost first.
    fn bury(&mut self, present: &[(Operation, usize)]) {
        let gone = self.lines.keys().rev().copied();
        let is_there =
            |id: &OperationId| present.iter().any(|(operation, _)| operation.id() == *id);
        let gone: Vec<_> = gone.filter(|id| !is_there(id)).collect();
        for line in gone.iter().filter_map(|id| self.lines.remove(id)) {
            line.bar.finish_and_clear();
            self.screen.remove(&line.bar);
            if let Some(text) = line.epitaph().filter(|_| self.says_why) {
                // A terminal that is gone shows nothing, which is no concern of the work.
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
