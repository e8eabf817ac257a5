//! Tools for the tests of streams: a source that is fed by hand, and polling by hand.

use crate::support::probe::Probe;
use futures_core::Stream;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A stream that gives what it is fed. Clones are handles to the same one.
pub(crate) struct Feed<T> {
    inner: Rc<RefCell<Inner<T>>>,
}

struct Inner<T> {
    items: VecDeque<T>,
    ended: bool,
    waker: Option<Waker>,
    polls: usize,
}

impl<T> Feed<T> {
    pub(crate) fn new(items: impl IntoIterator<Item = T>) -> Self {
        let inner = Inner {
            items: items.into_iter().collect(),
            ended: false,
            waker: None,
            polls: 0,
        };
        Self {
            inner: Rc::new(RefCell::new(inner)),
        }
    }

    pub(crate) fn handle(&self) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
        }
    }

    pub(crate) fn push(&self, item: T) {
        let mut inner = self.inner.borrow_mut();
        inner.items.push_back(item);
        inner.waker.take().into_iter().for_each(Waker::wake);
    }

    pub(crate) fn end(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.ended = true;
        inner.waker.take().into_iter().for_each(Waker::wake);
    }

    /// Returns the number of items that were not pulled.
    pub(crate) fn left(&self) -> usize {
        self.inner.borrow().items.len()
    }

    pub(crate) fn polls(&self) -> usize {
        self.inner.borrow().polls
    }
}

impl<T> Stream for Feed<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = self.inner.borrow_mut();
        inner.polls += 1;
        match inner.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if inner.ended => Poll::Ready(None),
            None => {
                inner.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let inner = self.inner.borrow();
        (inner.items.len(), inner.ended.then_some(inner.items.len()))
    }
}

pub(crate) fn poll_next<S: Stream + Unpin>(probe: &Probe, stream: &mut S) -> Poll<Option<S::Item>> {
    probe.poll(pin!(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx))))
}

/// The items that are there now, and whether the stream has ended.
pub(crate) fn taken<S: Stream + Unpin>(probe: &Probe, stream: &mut S) -> (Vec<S::Item>, bool) {
    let mut items = Vec::new();
    loop {
        match poll_next(probe, stream) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return (items, true),
            Poll::Pending => return (items, false),
        }
    }
}
