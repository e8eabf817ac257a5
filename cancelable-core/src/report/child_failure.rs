//! The failure of a child, for the parent.

use super::Failure;
use crate::cause::{Cause, ChildName, OperationLabel, Reason};
use crate::error::debug_as_sentence;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The failure of a child or of a blocking call: an error, a panic, or the loss by its runtime. Cloning is cheap.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let outcome = rt::block_on(async {
///     let crawl = rt::scope("crawl").collect_all().run(async |op| {
///         let fetch = op.child("fetch").try_spawn(async |_| { Err::<(), _>("no route to host") });
///         fetch.is_ok()
///     });
///     crawl.await
/// });
/// let failures = outcome.child_failures();
/// assert_eq!(failures.len(), 1);
/// assert!(!failures[0].is_panic());
/// assert_eq!(failures[0].to_string(), "child fetch failed: no route to host");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ChildFailure {
    operation: OperationLabel,
    location: &'static Location<'static>,
    failure: Failure,
}

impl ChildFailure {
    pub(crate) fn new(
        operation: OperationLabel,
        location: &'static Location<'static>,
        failure: Failure,
    ) -> Self {
        Self {
            operation,
            location,
            failure,
        }
    }

    /// The label of the child.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The location in the source where the child was opened.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns whether the child panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.failure, Failure::Panic(_))
    }

    /// Returns whether the runtime dropped the child before its end.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.failure, Failure::Lost)
    }

    /// The child's error, if it returned one.
    #[must_use]
    pub fn inner(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.failure.error()
    }

    /// Returns the cause with which the other children are cancelled.
    pub(crate) fn cause(&self) -> Cause {
        Cause::new(Reason::ChildFailed)
            .with_location(self.location)
            .with_operation(self.operation.clone())
            .with_error(Arc::new(self.clone()))
    }
}

impl fmt::Display for ChildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChildName::new(&self.operation, self.location).fmt(f)?;
        f.write_str(" ")?;
        let lost = "was lost: its runtime dropped it before its end";
        self.failure.write(lost, f)
    }
}

debug_as_sentence!(ChildFailure {
    operation,
    location,
    failure
});

/// The text includes that of the child's error, so the source is the source of that error.
impl Error for ChildFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
