//! What a stream gave before it ended, and how it ended.

use crate::cause::Cause;
use crate::error::Cancelled;
use std::convert::Infallible;

/// The items of a stream, whether they are all, and why not.
#[derive(Clone, Debug)]
#[must_use = "it says whether the items are all"]
pub struct Partial<C, E = Infallible> {
    items: C,
    cancelled: Option<Cancelled>,
    error: Option<E>,
}

impl<C, E> Partial<C, E> {
    pub(super) fn new(items: C, cancelled: Option<Cancelled>, error: Option<E>) -> Self {
        Self {
            items,
            cancelled,
            error,
        }
    }

    /// The items.
    pub fn items(&self) -> &C {
        &self.items
    }

    /// The items, complete or not.
    pub fn into_items(self) -> C {
        self.items
    }

    /// Whether the stream came to its own end, without an error.
    pub fn is_complete(&self) -> bool {
        self.cancelled.is_none() && self.error.is_none()
    }

    /// Why it was cancelled, if that is what ended it.
    pub fn cause(&self) -> Option<&Cause> {
        self.cancelled.as_ref().map(Cancelled::cause)
    }

    /// The cancel as an error, if that is what ended it.
    pub fn cancelled(&self) -> Option<&Cancelled> {
        self.cancelled.as_ref()
    }

    /// The error with which it ended, if it did. A stream whose last item is its cancel ends with
    /// both.
    pub fn error(&self) -> Option<&E> {
        self.error.as_ref()
    }

    /// The items, the cancel and the error.
    pub fn into_parts(self) -> (C, Option<Cancelled>, Option<E>) {
        (self.items, self.cancelled, self.error)
    }

    /// The items, if they are all.
    ///
    /// # Errors
    ///
    /// The partial result comes back if they are not.
    pub fn into_complete(self) -> Result<C, Self> {
        match self.is_complete() {
            true => Ok(self.items),
            false => Err(self),
        }
    }
}
