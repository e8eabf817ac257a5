//! A way to print above the bars.

use indicatif::MultiProgress;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// Prints above bars, for code that does not have the [`Bars`](crate::Bars): a line by `eprintln!` would be
/// drawn over. Clones print above the same bars.
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

    /// Prints a line above the bars; on standard error where nothing is drawn. One that cannot be
    /// printed is dropped: the work goes on.
    ///
    /// The text is printed as it is: of what comes from outside,
    /// [`escaped`](cancelable_core::cause::escaped) text is.
    pub fn println(&self, line: impl Display) {
        let line = line.to_string();
        if self.screen.is_hidden() {
            let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
            return;
        }
        let _ = self.screen.println(line);
    }

    /// Takes the bars away, calls `act`, which may print where it likes, and draws them again. Nothing is
    /// drawn meanwhile: `act` should not take long, and must not draw or print by this itself.
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
