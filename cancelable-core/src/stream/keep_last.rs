//! The last items of a stream, for readers outside.
//!
//! # No user code under the lock
//!
//! The items are shared by reference count: a reader clones the references under the lock and the items after it. An
//! item that falls out of the buffer is taken out of its allocation and dropped after the lock too. The allocation is
//! used again, so a full buffer allocates no more, unless a reader holds just that item.

use crate::sync::Mutex;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// One slot of the buffer. It is empty only while the stream alone has it.
type Slot<T> = Arc<Option<T>>;

/// The last items that a stream has delivered, from [`KeepLast::last_items`]. Clones are handles to the same buffer,
/// which stays after the end and the drop of the stream.
pub struct LastItems<T> {
    buffer: Arc<Mutex<VecDeque<Slot<T>>>>,
}

impl<T> LastItems<T> {
    /// The items, the oldest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        let slots: Vec<_> = self.buffer.lock().iter().cloned().collect();
        slots.iter().filter_map(|slot| (**slot).clone()).collect()
    }

    /// The last item.
    #[must_use]
    pub fn last(&self) -> Option<T>
    where
        T: Clone,
    {
        let last = self.buffer.lock().back().cloned();
        last.and_then(|slot| (*slot).clone())
    }

    /// The number of items that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.lock().len()
    }

    /// Whether no item is kept.
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
    /// A stream that keeps values made of its last items in a buffer, from [`keep_last`](super::CancellableStream::keep_last)
    /// and [`keep_last_with`](super::CancellableStream::keep_last_with).
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct KeepLast<S, T, F> {
        #[pin]
        stream: S,
        keep: F,
        most: usize,
        last: LastItems<T>,
        // An empty slot that fell out of the buffer.
        spare: Option<Slot<T>>,
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

    /// A handle to the last items.
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

/// A stream that keeps copies of its last items, from [`keep_last`](super::CancellableStream::keep_last).
pub type KeepCopies<S> = KeepLast<S, ItemOf<S>, fn(&ItemOf<S>) -> Option<ItemOf<S>>>;

type ItemOf<S> = <S as Stream>::Item;

/// Puts `item` at the end of the buffer, in the slot `spare` if there is one. Returns the slot of the item that fell
/// out, emptied, unless a reader holds it.
fn put<T>(last: &LastItems<T>, most: usize, spare: Option<Slot<T>>, item: T) -> Option<Slot<T>> {
    let mut slot = spare.unwrap_or_default();
    match Arc::get_mut(&mut slot) {
        Some(empty) => *empty = Some(item),
        None => slot = Arc::new(Some(item)),
    }
    let fallen = {
        let mut buffer = last.buffer.lock();
        buffer.push_back(slot);
        match buffer.len() > most {
            true => buffer.pop_front(),
            false => None,
        }
    };
    let mut fallen = fallen?;
    // A reader that has it keeps it.
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

impl<S: fmt::Debug, T, F> fmt::Debug for KeepLast<S, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepLast")
            .field("stream", &self.stream)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
