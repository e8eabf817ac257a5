//! The printer of text above the bars.

use indicatif::MultiProgress;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// A handle that prints above bars, for code without the [`Bars`](crate::Bars): the bars would overwrite a line of
/// `eprintln!`. Clones print above the same bars.
///
/// # Examples
///
/// ```no_run
/// use cancelable_core::{RuntimeHandle, Scope};
/// use cancelable_indicatif::Bars;
///
/// # async fn run(runtime: RuntimeHandle) -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").runtime(&runtime).build()?;
/// let bars = Bars::new(&scope);
/// let above = bars.printer();
/// let drawing = runtime.spawn(bars.follow(&runtime));
/// let outcome = scope.run(async |op| {
///     above.println("row 7 has no date");
///     op.progress().advance(1);
/// });
/// # let _ = outcome.await;
/// drawing.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Printer {
    screen: MultiProgress,
}

impl Printer {
    pub(crate) fn new(screen: MultiProgress) -> Self {
        Self { screen }
    }

    /// Prints a line above the bars, or on standard error if nothing is drawn. A line that cannot be printed is
    /// dropped.
    ///
    /// The text is printed as it is. Print text that comes from outside
    /// [escaped](cancelable_core::cause::escaped).
    pub fn println(&self, line: impl Display) {
        let line = line.to_string();
        if self.screen.is_hidden() {
            let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
            return;
        }
        let _ = self.screen.println(line);
    }

    /// Removes the bars, calls `act`, which may print anywhere, and draws the bars again. Nothing is drawn
    /// meanwhile, so `act` should be short. It must not draw, or print by this handle.
    pub fn suspend<R>(&self, act: impl FnOnce() -> R) -> R {
        self.screen.suspend(act)
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("is_hidden", &self.screen.is_hidden())
            .finish()
    }
}
