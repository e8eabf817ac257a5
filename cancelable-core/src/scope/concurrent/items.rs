//! The items of concurrent work: an iterator or a stream.

use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A supply of items: every iterator and every [`Stream`] is one.
///
/// `Kind` says which of the two, and is inferred.
pub trait Items<Kind> {
    /// The type of an item.
    type Item;
    /// The items as a stream.
    type Stream: Stream<Item = Self::Item>;

    /// The items as a stream.
    fn into_stream(self) -> Self::Stream;
}

/// The [`Items`] of an iterator.
#[derive(Debug)]
pub enum ByIterator {}

/// The [`Items`] of a stream.
#[derive(Debug)]
pub enum ByStream {}

impl<I: IntoIterator> Items<ByIterator> for I {
    type Item = I::Item;
    type Stream = Pulled<I::IntoIter>;

    fn into_stream(self) -> Self::Stream {
        Pulled {
            items: self.into_iter(),
        }
    }
}

impl<S: Stream> Items<ByStream> for S {
    type Item = S::Item;
    type Stream = S;

    fn into_stream(self) -> S {
        self
    }
}

pin_project! {
    /// An iterator as a stream that is always ready.
    pub struct Pulled<I> {
        items: I,
    }
}

impl<I: Iterator> Stream for Pulled<I> {
    type Item = I::Item;

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.project().items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I> fmt::Debug for Pulled<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulled").finish_non_exhaustive()
    }
}
