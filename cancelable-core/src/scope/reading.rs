//! How the output of a body is read: as a value, or as a value or an error.

use std::convert::Infallible;

pub(super) trait Reading<O> {
    type Value;
    type Error;

    fn read(output: O) -> Result<Self::Value, Self::Error>;

    /// Whether it is an error.
    fn is_failure(output: &O) -> bool;
}

/// Whatever the body answers is its value.
pub(super) enum Plain {}

impl<T> Reading<T> for Plain {
    type Value = T;
    type Error = Infallible;

    fn read(output: T) -> Result<T, Infallible> {
        Ok(output)
    }

    fn is_failure(_: &T) -> bool {
        false
    }
}

/// The body answers a result.
pub(super) enum Fallible {}

impl<T, E> Reading<Result<T, E>> for Fallible {
    type Value = T;
    type Error = E;

    fn read(output: Result<T, E>) -> Result<T, E> {
        output
    }

    fn is_failure(output: &Result<T, E>) -> bool {
        output.is_err()
    }
}
