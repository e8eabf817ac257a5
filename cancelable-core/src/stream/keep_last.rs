//! The last items of a stream, for whoever looks from outside.
//!
//! # No code of a user under the lock
//!
//! What is kept is shared by reference count: a reader copies the references under the lock and the
//! items after it. What falls out of the buffer is taken out of its allocation and dropped after the
//! lock too; the allocation is filled again, so that a buffer which is full allocates no more, unless a
//! reader holds just that item.

use super::CutStream;
use crate::error::Cancelled;
use crate::operation::Operation;
use crate::sync::Mutex;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// One place in the buffer. It is empty only while it is in nobody's hands but the stream's.
type Place<T> = Arc<Option<T>>;

/// The last items that a stream has delivered, from [`KeepLast::last_items`]. Clones are handles to
/// the same buffer, which stays when the stream has ended or is gone.
pub struct LastItems<T> {
    buffer: Arc<Mutex<VecDeque<Place<T>>>>,
}

impl<T> LastItems<T> {
    /// The items, the oldest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        let places: Vec<_> = self.buffer.lock().iter().cloned().collect();
        places
            .iter()
            .filter_map(|place| (**place).clone())
            .collect()
    }

    /// The last item of all.
    #[must_use]
    pub fn last(&self) -> Option<T>
    where
        T: Clone,
    {
        let last = self.buffer.lock().back().cloned();
        last.and_then(|place| (*place).clone())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.lock().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for LastItems<T> {
    fn clone(&self) -> Self {
        Self {
            buffer: Arc::clone(&self.buffer),
        }
    }
}

impl<T> fmt::Debug for LastItems<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastItems")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A stream that leaves what it makes of its last items in a buffer, from
    /// [`keep_last`](CutStream::keep_last) and [`keep_last_with`](CutStream::keep_last_with).
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct KeepLast<S, T, F> {
        #[pin]
        stream: S,
        keep: F,
        most: usize,
        last: LastItems<T>,
        // Fell out of the buffer, and is empty.
        spare: Option<Place<T>>,
    }
}

impl<S, T, F> KeepLast<S, T, F> {
    pub(super) fn new(stream: S, most: usize, keep: F) -> Self {
        Self {
            stream,
            keep,
            most,
            last: LastItems {
                buffer: Arc::default(),
            },
            spare: None,
        }
    }

    /// A handle to the last items, to be kept outside.
    #[must_use]
    pub fn last_items(&self) -> LastItems<T> {
        self.last.clone()
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream inside.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

/// A stream that leaves copies of its last items, from [`keep_last`](CutStream::keep_last).
pub type KeepCopies<S> = KeepLast<S, ItemOf<S>, fn(&ItemOf<S>) -> Option<ItemOf<S>>>;

type ItemOf<S> = <S as Stream>::Item;

/// Puts `item` at the end of the buffer, with `spare` for its place if there is one, and gives the
/// place of the item that fell out, emptied if nobody else holds it.
fn put<T>(last: &LastItems<T>, most: usize, spare: Option<Place<T>>, item: T) -> Option<Place<T>> {
    let mut place = spare.unwrap_or_default();
    match Arc::get_mut(&mut place) {
        Some(empty) => *empty = Some(item),
        None => place = Arc::new(Some(item)),
    }
    let fallen = {
        let mut buffer = last.buffer.lock();
        buffer.push_back(place);
        match buffer.len() > most {
            true => buffer.pop_front(),
            false => None,
        }
    };
    let mut fallen = fallen?;
    // Whoever reads it just now has it to the end of that.
    Arc::get_mut(&mut fallen)?.take();
    Some(fallen)
}

impl<S, T, F> Stream for KeepLast<S, T, F>
where
    S: Stream,
    F: FnMut(&S::Item) -> Option<T>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let next = ready!(this.stream.poll_next(cx));
        if let Some(kept) = next.as_ref().and_then(this.keep) {
            *this.spare = put(this.last, *this.most, this.spare.take(), kept);
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S, T, F> FusedStream for KeepLast<S, T, F>
where
    S: FusedStream,
    F: FnMut(&S::Item) -> Option<T>,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl<S, T, F> CutStream for KeepLast<S, T, F>
where
    S: CutStream,
    F: FnMut(&S::Item) -> Option<T>,
{
    fn cut(&self) -> Option<Cancelled> {
        self.stream.cut()
    }

    fn operation(&self) -> Option<&Operation> {
        self.stream.operation()
    }
}

impl<S: fmt::Debug, T, F> fmt::Debug for KeepLast<S, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepLast")
            .field("stream", &self.stream)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
