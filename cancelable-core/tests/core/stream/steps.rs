//! Steps of a stream that can be cut: chunks, the last items, progress.

use super::feed::{Feed, poll_next, taken};
use crate::support::probe::Probe;
use crate::support::{SECOND, at_most};
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use futures_core::FusedStream;
use futures_util::stream::TryChunksError;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Poll;

#[test]
fn r41_the_chunks_of_futures_are_full_and_the_last_one_has_the_rest() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    for (items, chunks) in [
        (0, vec![]),
        (2, vec![vec![0, 1]]),
        (6, vec![vec![0, 1, 2], vec![3, 4, 5]]),
        (7, vec![vec![0, 1, 2], vec![3, 4, 5], vec![6]]),
    ] {
        let mut stream = stream::iter(0..items).until_cancelled(&token).chunks(3);
        assert_eq!(taken(&probe, &mut stream), (chunks, true));
        assert!(stream.is_terminated() && stream.cancellation().is_none());
        assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    }
}

#[test]
fn r41_a_cancel_flushes_the_chunk_of_futures_that_was_begun() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new(0..5);
    let mut stream = feed.handle().until_cancelled(&token).chunks(3);
    assert_eq!(taken(&probe, &mut stream), (vec![vec![0, 1, 2]], false));
    assert!(stream.cancellation().is_none());
    token.cancel();
    assert_eq!(probe.wakes(), 1);
    assert_eq!(taken(&probe, &mut stream), (vec![vec![3, 4]], true));
    assert!(stream.cancellation().is_some());
}

#[test]
fn r41_a_stream_of_chunks_gives_back_what_waits_in_it() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let stream = stream::iter(0..5).chain(stream::pending());
    let runtime = ManualRuntime::new().handle();
    let mut stream = stream
        .until_cancelled(&token)
        .chunks_within(at_most(4), SECOND, &runtime);
    assert_eq!(taken(&probe, &mut stream), (vec![vec![0, 1, 2, 3]], false));
    let (inner, waiting) = stream.into_inner();
    assert!(inner.cancellation().is_none());
    assert_eq!(waiting, [4]);
}

#[test]
fn r41_a_chunk_waits_no_longer_than_it_may() {
    let manual = ManualRuntime::new();
    let probe = Probe::new();
    let scope = Scope::builder("s")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let feed = Feed::new([1]);
    let stream = scope.stream(feed.handle());
    let mut stream = stream.chunks_within(at_most(3), SECOND, &manual.handle());
    // The time counts from the first item of the chunk.
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    assert_eq!(stream.waiting(), [1]);
    assert_eq!(stream.size_hint().0, 1);
    manual.advance(SECOND / 2);
    feed.push(2);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    let wakes = probe.wakes();
    manual.advance(SECOND / 2);
    assert_eq!(probe.wakes(), wakes + 1);
    assert_eq!(
        poll_next(&probe, &mut stream),
        Poll::Ready(Some(vec![1, 2]))
    );
    // Nothing waits, so no time runs.
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    manual.advance(10 * SECOND);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    (3..7).for_each(|item| feed.push(item));
    assert_eq!(taken(&probe, &mut stream), (vec![vec![3, 4, 5]], false));
    scope.cancel();
    assert_eq!(taken(&probe, &mut stream), (vec![vec![6]], true));
    drop(stream);
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r41_before_an_error_the_chunk_that_was_begun_is_flushed_and_after_it_comes_the_end() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let results = stream::iter([Ok(1), Ok(2), Ok(3), Err("torn"), Ok(4)]);
    let stream = results.until_cancelled(&token);
    let mut stream = stream.try_chunks_within(at_most(2), SECOND, &ManualRuntime::new().handle());
    let (chunks, ended) = taken(&probe, &mut stream);
    assert_eq!(chunks, [Ok(vec![1, 2]), Ok(vec![3]), Err("torn")]);
    assert!(ended && stream.is_terminated() && stream.cancellation().is_none());
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
}

#[test]
fn r41_chunks_of_results_are_flushed_before_a_cancel_that_is_an_error() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new((0..3).map(Ok::<_, std::io::Error>));
    let stream = feed.handle().try_until_cancelled(&token);
    let runtime: RuntimeHandle = ManualRuntime::new().handle();
    let mut stream = stream.try_chunks_within(at_most(2), SECOND, &runtime);
    assert_eq!(taken(&probe, &mut stream).0.len(), 1);
    token.cancel();
    let (rest, ended) = taken(&probe, &mut stream);
    assert!(matches!(&rest[..], [Ok(chunk), Err(_)] if *chunk == [2]));
    assert!(ended && stream.cancellation().is_some());
}

#[test]
fn r41_the_chunks_of_results_of_futures_have_the_rest_in_the_error_of_a_cancel() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new((0..3).map(Ok::<_, std::io::Error>));
    let mut stream = feed.handle().try_until_cancelled(&token).try_chunks(2);
    assert!(matches!(&taken(&probe, &mut stream).0[..], [Ok(chunk)] if *chunk == [0, 1]));
    token.cancel();
    let (rest, ended) = taken(&probe, &mut stream);
    assert!(matches!(&rest[..], [Err(TryChunksError(values, _))] if *values == [2]));
    assert!(ended && stream.cancellation().is_some());
}

#[test]
fn r41_the_chunks_of_results_of_futures_are_flushed_at_a_cancel_that_is_an_end() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new((0..3).map(Ok::<_, &str>));
    let mut stream = feed.handle().until_cancelled(&token).try_chunks(2);
    assert!(matches!(&taken(&probe, &mut stream).0[..], [Ok(chunk)] if *chunk == [0, 1]));
    token.cancel();
    let (rest, ended) = taken(&probe, &mut stream);
    assert!(matches!(&rest[..], [Ok(chunk)] if *chunk == [2]));
    assert!(ended && stream.cancellation().is_some());
}

#[test]
fn r41_results_in_chunks_have_a_time_limit_too() {
    let manual = ManualRuntime::new();
    let probe = Probe::new();
    let scope = Scope::builder("s")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let feed = Feed::new([Ok::<_, &str>(1)]);
    let stream = scope.stream(feed.handle());
    let mut stream = stream.try_chunks_within(at_most(3), SECOND, &manual.handle());
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    manual.advance(SECOND);
    assert_eq!(
        poll_next(&probe, &mut stream),
        Poll::Ready(Some(Ok(vec![1])))
    );
}

#[test]
fn r41_the_last_items_are_read_while_the_stream_runs_and_after() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new([]);
    let mut stream = feed.handle().until_cancelled(&token).keep_last(at_most(3));
    let last = stream.last_items();
    assert!(last.is_empty() && last.last().is_none());
    for item in 0..10 {
        feed.push(item);
        assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(Some(item)));
        let expected: Vec<_> = (0..=item).rev().take(3).collect();
        assert!(last.to_vec().iter().rev().eq(&expected));
        assert_eq!(last.last(), Some(item));
    }
    token.cancel();
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    assert!(stream.cancellation().is_some());
    drop(stream);
    assert_eq!(last.to_vec(), [7, 8, 9]);
    assert_eq!(last.len(), 3);
}

/// An item whose clones and drop read the buffer that it is in.
struct Reads {
    last: Rc<RefCell<Option<cancelable_core::stream::LastItems<Reads>>>>,
    reads: Rc<Cell<usize>>,
}

impl Reads {
    fn read(&self) {
        if let Some(last) = &*self.last.borrow() {
            assert!(last.len() <= 2);
            self.reads.set(self.reads.get() + 1);
        }
    }
}

impl Clone for Reads {
    fn clone(&self) -> Self {
        self.read();
        Self {
            last: Rc::clone(&self.last),
            reads: Rc::clone(&self.reads),
        }
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.read();
    }
}

#[test]
fn r09_no_lock_is_held_while_the_last_items_are_cloned_or_dropped() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let item = Reads {
        last: Rc::default(),
        reads: Rc::default(),
    };
    let (own, reads) = (item.last.clone(), item.reads.clone());
    let items = stream::repeat(item).take(5);
    let mut stream = items.until_cancelled(&token).keep_last(at_most(2));
    *own.borrow_mut() = Some(stream.last_items());
    let seen = taken(&probe, &mut stream).0.len();
    assert_eq!(seen, 5);
    let copies = stream.last_items().to_vec();
    assert_eq!(copies.len(), 2);
    assert!(reads.get() > 10);
    // The buffer is in a cycle with its items.
    let last = own.borrow_mut().take();
    drop((copies, stream, last));
}

#[test]
fn r41_what_fell_out_of_the_buffer_is_dropped_unless_someone_reads_it() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let count = std::sync::Arc::new(());
    let items = stream::repeat(count.clone()).take(100);
    let mut stream = items.until_cancelled(&token).keep_last(at_most(4));
    for _ in 0..50 {
        assert!(poll_next(&probe, &mut stream).is_ready());
    }
    // Here, in `repeat`, and four in the buffer.
    assert_eq!(std::sync::Arc::strong_count(&count), 6);
}

/// Returns the reports to the operation's progress by a stream that is pulled item by item.
fn told<S: Stream + Unpin>(scope: &Scope, probe: &Probe, stream: &mut S, items: usize) -> Vec<u64> {
    let position = || scope.progress().position();
    let pull = |_| {
        assert!(poll_next(probe, stream).is_ready());
        position()
    };
    (0..items).map(pull).collect()
}

#[test]
fn r41_r38_progress_is_told_every_few_items_and_at_the_end() {
    let probe = Probe::new();
    let open = || Scope::builder("import").build().unwrap();
    let scope = open();
    let mut stream = scope
        .stream(stream::iter(0..7))
        .report_every(at_most(3), scope.progress());
    assert_eq!(
        told(&scope, &probe, &mut stream, 8),
        [0, 0, 3, 3, 3, 6, 6, 7]
    );
    assert_eq!(told(&scope, &probe, &mut stream, 1), [7]);

    // At a cancel too.
    let scope = open();
    let mut stream = scope
        .stream(stream::iter(0..7))
        .report_every(at_most(3), scope.progress());
    assert_eq!(told(&scope, &probe, &mut stream, 2), [0, 0]);
    scope.cancel();
    assert_eq!(told(&scope, &probe, &mut stream, 1), [2]);

    // And where it is dropped, and of two streams both.
    let scope = open();
    for expected in [2, 4] {
        let mut stream = scope
            .stream(stream::iter(0..7))
            .report_every(at_most(3), scope.progress());
        assert!(poll_next(&probe, &mut stream).is_ready());
        assert!(poll_next(&probe, &mut stream).is_ready());
        drop(stream);
        assert_eq!(scope.progress().position(), expected);
    }
}

#[test]
fn r41_r38_of_results_the_values_count() {
    let probe = Probe::new();
    let scope = Scope::builder("import").build().unwrap();
    let results = stream::iter([Ok(1), Err("torn"), Ok(2)]);
    let values = results.inspect_ok(|_| scope.progress().advance(1));
    let mut stream = scope.stream(values);
    assert_eq!(told(&scope, &probe, &mut stream, 4), [1, 1, 2, 2]);
}
