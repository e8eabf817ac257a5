//! The error of a text that is no query.

use std::error::Error;
use std::fmt;

/// The error of a text that is no [`Query`](super::Query), with its position and what was expected there.
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::{Query, QueryErrorKind};
///
/// let error = "limit:5 status:done".parse::<Query>().unwrap_err();
/// assert_eq!(error.kind(), QueryErrorKind::Value);
/// assert_eq!(error.position(), 15);
/// assert!(error.expected().starts_with("a status: pending, running, "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    pub(super) kind: QueryErrorKind,
    pub(super) position: usize,
    pub(super) expected: &'static str,
}

/// The kind of a [`QueryError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// A criterion has an unknown name.
    Criterion,
    /// A value is missing or has the wrong form.
    Value,
    /// A number or a time is too large.
    TooLarge,
    /// A criterion that is allowed once is repeated.
    Repeated,
    /// A quotation mark is not closed.
    Unclosed,
}

impl QueryError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> QueryErrorKind {
        self.kind
    }

    /// Returns the position in the text, in bytes, from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns a description of what was expected at the position.
    #[must_use]
    pub fn expected(&self) -> &str {
        self.expected
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position, expected, ..
        } = self;
        write!(f, "invalid query at byte {position}: expected {expected}")
    }
}

impl Error for QueryError {}
