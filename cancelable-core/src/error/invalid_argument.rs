//! The error of an argument that no call can use.

use std::error::Error;
use std::fmt;
use std::io;

/// An argument is zero, empty or otherwise of no use, whatever the state of the program.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArgument {
    argument: &'static str,
    problem: &'static str,
}

impl InvalidArgument {
    /// Returns the error for `argument`, the name of a parameter. `problem` ends the sentence "the argument `interval`
    /// ...", such as "is zero: give a longer one".
    #[must_use]
    pub const fn new(argument: &'static str, problem: &'static str) -> Self {
        Self { argument, problem }
    }

    /// The name of the argument.
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

impl Error for InvalidArgument {}

/// The kind is `InvalidInput`.
impl From<InvalidArgument> for io::Error {
    fn from(error: InvalidArgument) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
