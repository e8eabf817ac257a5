//! The last items of a stream, for readers outside.
//!
//! # No user code under the lock
//!
//! The items are shared by reference count. A reader clones the references under the lock, and the items after it. An
//! item that falls out of the buffer is taken out of its allocation and dropped after the lock too. The allocation is
//! used again. A full buffer allocates only if a reader holds the item that falls out.

use crate::sync::Mutex;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A slot of the buffer. A slot is empty only while the stream alone has it.
type Slot<T> = Arc<Option<T>>;

/// The last items that a stream has delivered, from [`KeepLast::last_items`]. Clones are handles to the same buffer,
/// which outlives the stream.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
/// use futures_util::{StreamExt, stream};
/// use std::num::NonZeroUsize;
///
/// # rt::block_on(async {
/// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
///
/// let token = CancellationToken::new();
/// let mut lines = stream::iter(["a", "b", "c"]).until_cancelled(&token).keep_last(TWO);
/// let last = lines.last_items();
/// assert!(last.is_empty());
/// lines.next().await;
/// assert_eq!(last.last(), Some("a"));
/// drop(lines);
/// assert_eq!(last.to_vec(), ["a"]);
/// # });
/// ```
pub struct LastItems<T> {
    buffer: Arc<Mutex<VecDeque<Slot<T>>>>,
}

impl<T> LastItems<T> {
    /// Returns the items, the oldest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        let slots: Vec<_> = self.buffer.lock().iter().cloned().collect();
        slots.iter().filter_map(|slot| (**slot).clone()).collect()
    }

    /// Returns the last item.
    #[must_use]
    pub fn last(&self) -> Option<T>
    where
        T: Clone,
    {
        let last = self.buffer.lock().back().cloned();
        last.and_then(|slot| (*slot).clone())
    }

    /// Returns the number of items in the buffer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.lock().len()
    }

    /// Returns whether the buffer is empty.
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
    /// A stream that keeps copies of its last items in a buffer, from
    /// [`keep_last`](super::CancellableStream::keep_last).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream, KeepLast};
    /// use futures_util::StreamExt;
    /// use std::num::NonZeroUsize;
    ///
    /// # rt::block_on(async {
    /// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let lines = stream::iter(["a", "b", "c"]).until_cancelled(&CancellationToken::new());
    /// let mut lines: KeepLast<_> = lines.keep_last(TWO);
    /// while lines.next().await.is_some() {}
    /// assert_eq!(lines.last_items().to_vec(), ["b", "c"]);
    /// # });
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct KeepLast<S>
    where
        S: Stream,
    {
        #[pin]
        stream: S,
        most: NonZeroUsize,
        last: LastItems<S::Item>,
        // An empty slot that fell out of the buffer.
        spare: Option<Slot<S::Item>>,
    }
}

impl<S: Stream> KeepLast<S> {
    pub(super) fn new(stream: S, most: NonZeroUsize) -> Self {
        Self {
            stream,
            most,
            last: LastItems {
                buffer: Arc::default(),
            },
            spare: None,
        }
    }

    /// Returns a handle to the last items.
    #[must_use]
    pub fn last_items(&self) -> LastItems<S::Item> {
        self.last.clone()
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the inner stream, and drops the step.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

/// Adds `item` to the end of the buffer, in the slot `spare` if there is one. Returns the emptied slot of the item that
/// fell out, unless a reader holds that item.
fn put<T>(
    last: &LastItems<T>,
    most: NonZeroUsize,
    spare: Option<Slot<T>>,
    item: T,
) -> Option<Slot<T>> {
    let mut slot = spare.unwrap_or_default();
    match Arc::get_mut(&mut slot) {
        Some(empty) => *empty = Some(item),
        None => slot = Arc::new(Some(item)),
    }
    let fallen = {
        let mut buffer = last.buffer.lock();
        buffer.push_back(slot);
        match buffer.len() > most.get() {
            true => buffer.pop_front(),
            false => None,
        }
    };
    let mut fallen = fallen?;
    // A reader that holds the item keeps it.
    Arc::get_mut(&mut fallen)?.take();
    Some(fallen)
}

impl<S: Stream<Item: Clone>> Stream for KeepLast<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let next = ready!(this.stream.poll_next(cx));
        if let Some(copy) = next.clone() {
            *this.spare = put(this.last, *this.most, this.spare.take(), copy);
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: FusedStream<Item: Clone>> FusedStream for KeepLast<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for KeepLast<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepLast")
            .field("stream", &self.stream)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
