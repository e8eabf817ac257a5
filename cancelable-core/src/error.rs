//! The errors of several rooms: work that was cancelled, a request that was refused, an argument of no use.

mod invalid_argument;
#[cfg(feature = "scope")]
mod rejected;

pub use invalid_argument::InvalidArgument;
#[cfg(feature = "scope")]
pub use rejected::Rejected;
#[cfg(feature = "scope")]
pub(crate) use rejected::{Refusal, RefusalReason};

use crate::cause::{Cause, HumanDuration, LocationShown, Mark, OperationLabel, Reason, ambient};
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// Work ended because it was cancelled.
///
/// Reads like `import cancelled after 3.2 s: timed out (limit 3 s, set at src/main.rs:14)`. So does its
/// `{:?}`, which is what a `main` that returns it prints; its parts are in `{:#?}`.
#[derive(Clone)]
pub struct Cancelled {
    cause: Cause,
    operation: Option<OperationLabel>,
    elapsed: Option<Duration>,
    /// By which the run of an operation knows that the error of its body holds this.
    mark: Option<Mark>,
}

impl Cancelled {
    /// One that is given out here, to the operation that runs here.
    pub(crate) fn new(cause: Cause) -> Self {
        let mark = ambient::cancel_mark(&cause);
        Self {
            cause,
            operation: None,
            elapsed: None,
            mark,
        }
    }

    /// Marks one that is given out where no operation runs that is cancelled for this.
    pub(crate) fn or_marked(mut self, mark: impl FnOnce(&Cause) -> Option<Mark>) -> Self {
        if self.mark.is_none() {
            self.mark = mark(&self.cause);
        }
        self
    }

    pub(crate) fn of(mut self, operation: OperationLabel, elapsed: Option<Duration>) -> Self {
        self.operation = Some(operation);
        self.elapsed = elapsed;
        self
    }

    /// Adds how long it had run, where it is no operation.
    pub(crate) fn after(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// Why it was cancelled.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What kind of thing cancelled it.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        self.cause.reason()
    }

    /// The operation that ended, if the work was one.
    #[must_use]
    pub fn operation(&self) -> Option<&OperationLabel> {
        self.operation.as_ref()
    }

    /// How long the operation had run.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Whether time ran out: a limit or a deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.cause.is_timeout()
    }

    /// The sentence without the place in the source, for people who use a program and do not write it:
    /// `import cancelled after 3.2 s: timed out (limit 3 s)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with("the operator closed the port");
    /// if let Err(cancelled) = token.check() {
    ///     let words = cancelled.without_location().to_string();
    ///     assert_eq!(words, "cancelled: cancel requested: the operator closed the port");
    /// }
    /// ```
    pub fn without_location(&self) -> impl fmt::Display + '_ {
        WithoutLocation(self)
    }

    fn write_phrase(&self, location: LocationShown, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.operation {
            write!(f, "{operation} ")?;
        }
        f.write_str("cancelled")?;
        if let Some(elapsed) = self.elapsed {
            write!(f, " after {}", HumanDuration(elapsed))?;
        }
        f.write_str(": ")?;
        self.cause
            .write_phrase_with(self.operation.as_ref(), location, f)
    }
}

/// The sentence, without the place.
struct WithoutLocation<'a>(&'a Cancelled);

impl fmt::Display for WithoutLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_phrase(LocationShown::No, f)
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_phrase(LocationShown::Yes, f)
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("Cancelled")
            .field("cause", &self.cause)
            .field("operation", &self.operation)
            .field("elapsed", &self.elapsed)
            .finish()
    }
}

impl Error for Cancelled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .error()
            .map(|error| error as &(dyn Error + 'static))
    }
}

/// The kind is `TimedOut` when time ran out and `Other` else: `Interrupted` would make the
/// standard library's own loops try again.
impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> Self {
        let kind = match cancelled.is_timeout() {
            true => io::ErrorKind::TimedOut,
            false => io::ErrorKind::Other,
        };
        Self::new(kind, cancelled)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Cancelled {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut cancelled = serializer.serialize_struct("Cancelled", 4)?;
        cancelled.serialize_field("operation", &self.operation)?;
        let elapsed = self.elapsed.map(|span| span.as_secs_f64());
        cancelled.serialize_field("elapsed_seconds", &elapsed)?;
        cancelled.serialize_field("cause", &self.cause)?;
        cancelled.serialize_field("text", &self.to_string())?;
        cancelled.end()
    }
}
