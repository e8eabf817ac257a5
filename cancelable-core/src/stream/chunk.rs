//! The items of a chunk that is not full yet.

use crate::runtime::{RuntimeHandle, Sleep};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A chunk starts with room for no more items than this: one that was made large for a stream that
/// may be short costs no more than it holds.
const ROOM: usize = 256;

#[derive(Debug)]
pub(super) struct Chunk<T> {
    items: Vec<T>,
    /// How many items make it full; one at least.
    size: usize,
    limit: Option<TimeLimit>,
}

/// How long the first item of a chunk waits for the others.
#[derive(Debug)]
pub(super) struct TimeLimit {
    runtime: RuntimeHandle,
    span: Duration,
    /// Stands at the end of that time while the chunk has items.
    sleep: Sleep,
}

impl TimeLimit {
    pub(super) fn new(runtime: &RuntimeHandle, span: Duration) -> Self {
        Self {
            runtime: runtime.clone(),
            span,
            sleep: runtime.sleep_until(None),
        }
    }
}

impl<T> Chunk<T> {
    pub(super) fn new(size: usize, limit: Option<TimeLimit>) -> Self {
        Self {
            items: Vec::new(),
            size,
            limit,
        }
    }

    /// Adds an item, and gives the chunk if that made it full.
    pub(super) fn put(&mut self, item: T) -> Option<Vec<T>> {
        if self.items.is_empty() {
            self.items.reserve(self.size.min(ROOM));
            if let Some(limit) = &mut self.limit {
                // One that overflows the clock is never.
                limit
                    .sleep
                    .reset(limit.runtime.now().checked_add(limit.span));
            }
        }
        self.items.push(item);
        (self.items.len() == self.size).then(|| std::mem::take(&mut self.items))
    }

    /// What there is, if there is anything.
    pub(super) fn flush(&mut self) -> Option<Vec<T>> {
        (!self.items.is_empty()).then(|| std::mem::take(&mut self.items))
    }

    /// For when no item is ready: the chunk, if its time is over.
    ///
    /// Wakes: by the timer, if there is something to give. Else by the next item.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        match &mut self.limit {
            Some(limit) if !self.items.is_empty() => {
                ready!(Pin::new(&mut limit.sleep).poll(cx));
                Poll::Ready(std::mem::take(&mut self.items))
            }
            _ => Poll::Pending,
        }
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// How many chunks so many more items make, the last one perhaps not full.
    pub(super) fn chunks_of(&self, more: usize) -> usize {
        self.items.len().saturating_add(more).div_ceil(self.size)
    }

    /// Whether only the number of items decides when a chunk is given.
    pub(super) fn is_by_size_alone(&self) -> bool {
        self.limit.is_none()
    }
}
