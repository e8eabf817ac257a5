//! The bars of an operation and its descendants.

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

/// Progress bars for an operation and its descendants: a line for each operation that reports progress.
///
/// A line shows the overall figures, which include the descendants. The line is removed when its operation ends. A
/// cancelled operation leaves a line of text with the cause, and a failed operation a line with the [text of the
/// error](Operation::error). An operation that begins and ends between two draws is not shown. Nothing is drawn if
/// standard error is not a terminal.
///
/// A line takes one row. In a narrow terminal its least important parts are left out. Print other text above the bars,
/// with [`println`](Self::println) or a [`printer`](Self::printer).
///
/// The drop removes the lines.
///
/// # Examples
///
/// ```
/// use cancelable_indicatif::Bars;
///
/// // A program with its own loop draws by `draw`.
/// let import = rt::scope("import").build()?;
/// let mut bars = Bars::new(&import).at_most(5);
/// import.progress().set_total(3);
/// for row in ["a", "b", "c"] {
///     import.progress().advance(1);
///     bars.draw();
///     bars.println(format_args!("row {row} is done"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "bars are drawn by `follow` or `draw`"]
pub struct Bars {
    operation: Operation,
    screen: MultiProgress,
    interval: Duration,
    most: usize,
    unit: Unit,
    leaves_reasons: bool,
    columns: Option<usize>,
    lines: BTreeMap<OperationId, Line>,
}

impl Bars {
    /// Returns bars for `operation` on standard error.
    pub fn new(operation: &Operation) -> Self {
        let target = draw_target();
        Self::on(operation, MultiProgress::with_draw_target(target))
    }

    /// Returns bars for `operation` on `screen`, on which the caller may draw other bars too. Make `screen` with
    /// [`draw_target`], so that a `^C` that the terminal echoes leaves no line behind.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::{Bars, draw_target};
    /// use indicatif::{MultiProgress, ProgressBar};
    ///
    /// let import = rt::scope("import").build()?;
    /// let screen = MultiProgress::with_draw_target(draw_target());
    /// let total = screen.add(ProgressBar::new(10));
    /// let bars = Bars::on(&import, screen);
    /// total.inc(1);
    /// # drop(bars);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(operation: &Operation, screen: MultiProgress) -> Self {
        Self {
            operation: operation.clone(),
            screen,
            interval: INTERVAL,
            most: MOST,
            unit: Unit::Steps,
            leaves_reasons: true,
            columns: None,
            lines: BTreeMap::new(),
        }
    }

    /// Sets the interval between two draws of [`follow`](Self::follow). The default is a tenth of a second.
    ///
    /// # Errors
    ///
    /// The interval is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::Bars;
    /// use std::time::Duration;
    ///
    /// let import = rt::scope("import").build()?;
    /// let bars = Bars::new(&import).every(Duration::from_millis(500))?;
    /// # drop(bars);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// Sets the maximum number of lines. The first operations of the tree have a line. The default is 20.
    pub fn at_most(mut self, lines: usize) -> Self {
        self.most = lines;
        self
    }

    /// Shows positions, totals and rates as bytes, in powers of 1024: `1.50 MiB`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::Bars;
    ///
    /// let download = rt::scope("download").build()?;
    /// let mut bars = Bars::new(&download).in_bytes();
    /// download.progress().set_total(6 << 20);
    /// download.progress().advance(1 << 20);
    /// bars.draw();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_bytes(mut self) -> Self {
        self.unit = Unit::Bytes;
        self
    }

    /// Leaves no line of text for cancelled and failed operations, for a program that prints its own text.
    pub fn without_reasons(mut self) -> Self {
        self.leaves_reasons = false;
        self
    }

    /// Sets the width of the lines, for a screen other than standard error. The default is the width of the
    /// terminal on standard error.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Returns a handle that prints above these bars, for use after [`follow`](Self::follow) has taken them.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::Bars;
    ///
    /// let runtime = rt::current()?;
    /// let import = rt::scope("import").build()?;
    /// let bars = Bars::new(&import);
    /// let printer = bars.printer();
    /// let drawing = runtime.spawn(bars.follow(&runtime));
    /// printer.println("row 7 has no date");
    /// # rt::block_on(import.run(async |_| ())).complete()?;
    /// # rt::block_on(drawing)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn printer(&self) -> Printer {
        Printer::new(self.screen.clone())
    }

    /// Prints a line above the bars, as [`Printer::println`] does.
    pub fn println(&self, line: impl fmt::Display) {
        self.printer().println(line);
    }

    /// Removes the bars, calls `act`, and draws the bars again, as [`Printer::suspend`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::Bars;
    ///
    /// let import = rt::scope("import").build()?;
    /// let bars = Bars::new(&import);
    /// let rows = bars.suspend(|| {
    ///     eprintln!("reads the header");
    ///     12
    /// });
    /// assert_eq!(rows, 12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn suspend<R>(&self, act: impl FnOnce() -> R) -> R {
        self.screen.suspend(act)
    }

    /// Draws until the operation has finished, and then removes the bars. Spawn the future, or poll it together with the
    /// work.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future removes the bars.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_indicatif::Bars;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = rt::current()?;
    /// let import = rt::scope("import").build()?;
    /// let bars = runtime.spawn(Bars::new(&import).follow(&runtime));
    /// rt::block_on(async {
    ///     import.run(async |op| op.progress().advance(1)).await.complete()?;
    ///     bars.await?;
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn follow(mut self, runtime: &RuntimeHandle) -> impl Future<Output = ()> + Send + use<> {
        let runtime = runtime.clone();
        async move {
            // Ends when the operation has finished.
            loop {
                self.draw();
                let finished = self.operation.finished();
                if runtime.timeout(self.interval, finished).await.is_ok() {
                    return self.draw();
                }
            }
        }
    }

    /// Draws once. For a program with its own loop; otherwise use [`follow`](Self::follow).
    pub fn draw(&mut self) {
        let columns = self.columns.unwrap_or_else(terminal::columns);
        let present = self.present();
        self.remove_ended(&present);
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

    /// Returns the operations to draw, in tree order: each before its descendants.
    fn present(&self) -> Vec<(Operation, usize)> {
        let mut present = Vec::new();
        if self.operation.status().is_terminal() {
            return present;
        }
        let mut open = vec![(self.operation.clone(), 0)];
        while let (Some((operation, depth)), true) = (open.pop(), present.len() < self.most) {
            let children = operation.progress().children();
            open.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
            present.push((operation, depth));
        }
        present
    }

    /// Removes the lines of operations that have ended, the innermost first.
    fn remove_ended(&mut self, present: &[(Operation, usize)]) {
        let gone = self.lines.keys().rev().copied();
        let is_there =
            |id: &OperationId| present.iter().any(|(operation, _)| operation.id() == *id);
        let gone: Vec<_> = gone.filter(|id| !is_there(id)).collect();
        for line in gone.iter().filter_map(|id| self.lines.remove(id)) {
            line.bar.finish_and_clear();
            self.screen.remove(&line.bar);
            if let Some(text) = line.last_text().filter(|_| self.leaves_reasons) {
                // An error means that the terminal is gone. The operation continues without bars.
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
