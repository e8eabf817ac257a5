//! The printer of text above the bars.

use indicatif::MultiProgress;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// A handle that prints above bars, for code that has no access to the [`Bars`](crate::Bars). The bars would overwrite a
/// line of `eprintln!`. Clones print above the same bars.
///
/// # Examples
///
/// ```
/// use cancelable_indicatif::{Bars, Printer};
///
/// let import = rt::scope("import").build()?;
/// let mut bars = Bars::new(&import);
/// let printer: Printer = bars.printer();
/// let run = import.run(async |op| {
///     op.progress().advance(1);
///     bars.draw();
///     printer.println("row 7 has no date");
/// });
/// rt::block_on(run).complete()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
    /// The text is not escaped. [Escape](cancelable_core::cause::escaped) text from outside the program.
    pub fn println(&self, line: impl Display) {
        let line = line.to_string();
        if self.screen.is_hidden() {
            let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
            return;
        }
        let _ = self.screen.println(line);
    }

    /// Removes the bars, calls `act`, and draws the bars again. `act` may print anywhere, but must not draw, and must not
    /// print with this handle. Nothing is drawn during the call, so `act` should be short.
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
