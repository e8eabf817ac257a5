//! The error of an argument that is invalid in any state of the program.

use std::error::Error;
use std::fmt;
use std::io;

/// The error of an argument that is invalid in any state of the program, such as an interval of zero or an empty
/// list.
///
/// Functions of this crate return the error if an argument's type cannot exclude the value. Other crates may
/// return it as well: [`new`](Self::new) is public.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let tokens: Vec<CancellationToken> = Vec::new();
/// let error = CancellationToken::any_of(tokens).unwrap_err();
/// assert_eq!(error.argument(), "tokens");
/// assert_eq!(error.to_string(), "the argument `tokens` is empty: give at least one");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidArgument {
    argument: &'static str,
    problem: &'static str,
}

impl InvalidArgument {
    /// Creates the error for `argument`, the name of a parameter. `problem` ends the sentence "the argument `retries`
    /// ...", such as `is zero: give at least 1`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::error::InvalidArgument;
    ///
    /// fn retry(retries: u32) -> Result<(), InvalidArgument> {
    ///     if retries == 0 {
    ///         return Err(InvalidArgument::new("retries", "is zero: give at least 1"));
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let error = retry(0).unwrap_err();
    /// assert_eq!(error.to_string(), "the argument `retries` is zero: give at least 1");
    /// ```
    #[must_use]
    pub const fn new(argument: &'static str, problem: &'static str) -> Self {
        Self { argument, problem }
    }

    /// Returns the name of the argument.
    #[must_use]
    pub fn argument(&self) -> &'static str {
        self.argument
    }
}

impl fmt::Display for InvalidArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the argument `{}` {}", self.argument, self.problem)
    }
}

debug_as_sentence!(InvalidArgument { argument, problem });

impl Error for InvalidArgument {}

/// The kind is `InvalidInput`.
impl From<InvalidArgument> for io::Error {
    fn from(error: InvalidArgument) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
