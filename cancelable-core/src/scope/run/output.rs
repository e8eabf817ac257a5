//! How the output of a body is read: as a value, or as a value or an error.

use crate::record::Record;
use std::convert::Infallible;
use std::mem::needs_drop;

pub(super) trait Reading<O> {
    type Value;
    type Error;

    fn read(output: O) -> Result<Self::Value, Self::Error>;

    /// Whether it is an error.
    fn is_failure(output: &O) -> bool;

    /// Whether an output that is an error says that the operation was cancelled. To be asked when the body has
    /// been dropped, since that may hold what it was given out too.
    fn is_stop(output: &O, record: &Record) -> bool;
}

/// Whether an error of this type may say that the operation was cancelled: it can hold what was given out for
/// that, and something does.
pub(in crate::scope) fn may_be_stop<E>(record: &Record) -> bool {
    needs_drop::<E>() && record.has_given_out()
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

    fn is_stop(_: &T, _: &Record) -> bool {
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

    fn is_stop(output: &Result<T, E>, record: &Record) -> bool {
        output.is_err() && may_be_stop::<E>(record)
    }
}
