//! The errors that several modules share: cancelled work, a rejected request, an invalid argument.
//!
//! `{:?}` of an error of this crate writes the sentence of `{}`, because a `main` that returns the error prints `{:?}`.
//! `{:#?}` writes the fields.

/// Implements `Debug` for an error with these fields: `{:?}` is the sentence of its `Display`, and `{:#?}` shows the
/// fields.
macro_rules! debug_as_sentence {
    ($error:ident { $($field:ident),+ }) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if !f.alternate() {
                    return std::fmt::Display::fmt(self, f);
                }
                let Self { $($field),+ } = self;
                let mut fields = f.debug_struct(stringify!($error));
                $(fields.field(stringify!($field), $field);)+
                fields.finish()
            }
        }
    };
}
pub(crate) use debug_as_sentence;

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

/// The error of work that ended because it was cancelled.
///
/// [`Display`](fmt::Display) writes a sentence such as
/// `import cancelled after 3.2 s: timed out (limit 3 s, set at src/main.rs:14)`. `{:?}` writes the same sentence,
/// because a `main` that returns the error prints `{:?}`. `{:#?}` writes the fields.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::error::Cancelled;
///
/// fn work(token: &CancellationToken) -> Result<u32, Cancelled> {
///     token.check()?;
///     Ok(7)
/// }
///
/// let token = CancellationToken::new();
/// token.cancel_with("the user left");
/// let error = work(&token).unwrap_err();
/// assert_eq!(error.cause().message(), Some("the user left"));
/// assert!(error.to_string().starts_with("cancelled: cancel requested: the user left (at "));
/// ```
#[derive(Clone)]
pub struct Cancelled {
    cause: Cause,
    operation: Option<OperationLabel>,
    elapsed: Option<Duration>,
    /// The mark by which the run of an operation detects that the error of its body contains this error.
    mark: Option<Mark>,
}

impl Cancelled {
    /// Creates the error with the mark of the operation that runs here, if that operation is cancelled for `cause`.
    pub(crate) fn new(cause: Cause) -> Self {
        let mark = ambient::cancel_mark(&cause);
        Self {
            cause,
            operation: None,
            elapsed: None,
            mark,
        }
    }

    /// Adds a mark, if the operation that runs here gave none.
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

    /// Adds the time that the work had run, for work that is not an operation.
    pub(crate) fn after(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// Returns the cause of the cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with("the user left");
    /// let error = token.check().unwrap_err();
    /// assert_eq!(error.cause().message(), Some("the user left"));
    /// ```
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns the reason of the cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Reason};
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with(Reason::ShuttingDown);
    /// let error = token.check().unwrap_err();
    /// assert_eq!(error.reason(), &Reason::ShuttingDown);
    /// ```
    #[must_use]
    pub fn reason(&self) -> &Reason {
        self.cause.reason()
    }

    /// Returns the label of the operation that ended, if the work was an operation.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// scope.cancel();
    /// let error = scope.check().unwrap_err();
    /// assert_eq!(error.operation().map(|label| label.name()), Some("import"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn operation(&self) -> Option<&OperationLabel> {
        self.operation.as_ref()
    }

    /// Returns the time that the operation had run; `None` if the operation had not started or has no runtime, and for the
    /// error of a plain token.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(async {
    ///     let run = rt::scope("import").run(async |op| {
    ///         op.cancel();
    ///         op.check().unwrap_err().elapsed()
    ///     });
    ///     run.await
    /// });
    /// assert!(outcome.into_value().flatten().is_some());
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Returns whether time ran out: a limit or a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Reason};
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with(Reason::DeadlineReached);
    /// assert!(token.check().unwrap_err().is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.cause.is_timeout()
    }

    /// Returns the sentence without the source location, for the users of a program: `import cancelled after 3.2
    /// s: timed out (limit 3 s)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with("the operator closed the port");
    /// let error = token.check().unwrap_err();
    /// let sentence = error.without_location().to_string();
    /// assert_eq!(sentence, "cancelled: cancel requested: the operator closed the port");
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

/// The sentence of a [`Cancelled`], without the source location.
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

/// The kind is `TimedOut` if time ran out, and `Other` for any other cause. `Interrupted` would make the loops of the
/// standard library try again.
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
