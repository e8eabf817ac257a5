//! The failure of a finalizer.

use super::Failure;
use crate::cause::Named;
use crate::error::debug_as_sentence;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;

/// The failure of a finalizer: an error, a panic, a spent cleanup budget, or no runtime to run it. Cloning is
/// cheap.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// scope.defer_named("flush", async { Err("disk full") })?;
/// let outcome = rt::block_on(scope.run(async |_| ()));
/// for error in outcome.cleanup_errors() {
///     eprintln!("{error}"); // finalizer flush, deferred at src/main.rs:3, failed: disk full
/// }
/// assert_eq!(outcome.cleanup_errors()[0].name(), "flush");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CleanupError {
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    failure: Failure,
}

impl CleanupError {
    pub(crate) fn new(
        name: Cow<'static, str>,
        location: &'static Location<'static>,
        failure: Failure,
    ) -> Self {
        Self {
            name,
            location,
            failure,
        }
    }

    /// The name of the finalizer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The location in the source where the finalizer was deferred.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns whether the finalizer panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.failure, Failure::Panic(_))
    }

    /// Returns whether the finalizer was dropped because the cleanup budget was spent.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        matches!(self.failure, Failure::OverBudget)
    }

    /// Returns whether no runtime ran the finalizer to its end: its run was dropped, and the scope has no runtime,
    /// or one that has shut down.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.failure, Failure::Lost)
    }

    /// The finalizer's error, if it returned one.
    #[must_use]
    pub fn inner(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.failure.error()
    }
}

impl fmt::Display for CleanupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Named("finalizer", &self.name);
        let (file, line) = (self.location.file(), self.location.line());
        write!(f, "{name}, deferred at {file}:{line}, ")?;
        self.failure.write("is lost, because no runtime runs it", f)
    }
}

debug_as_sentence!(CleanupError {
    name,
    location,
    failure
});

/// The text includes that of the finalizer's error, so the source is the source of that error.
impl Error for CleanupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
