//! Streams that a cancel ends: the delivered items, the registered wakers, and the delays of a cut.

use super::feed::{Feed, poll_next, taken};
use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on};
use cancelable_core::error::Cancelled;
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope};
use futures_core::{FusedStream, Stream};
use futures_util::future::join;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::cell::Cell;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[test]
fn r41_every_item_comes_and_then_the_end_if_nothing_cancels() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let mut stream = stream::iter(0..5).until_cancelled(&token);
    assert_eq!(stream.size_hint(), (0, Some(5)));
    assert_eq!(taken(&probe, &mut stream), (vec![0, 1, 2, 3, 4], true));
    assert!(stream.is_terminated() && stream.cancellation().is_none());
    // A cancel that comes too late does not make the end a cut.
    token.cancel();
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    assert!(stream.cancellation().is_none());
}

#[test]
fn r41_once_cancelled_it_ends_and_pulls_nothing_more() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new(0..5);
    let mut stream = feed.handle().until_cancelled(&token);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(Some(0)));
    assert!(!stream.is_terminated() && stream.cancellation().is_none());
    token.cancel_with("enough");
    for _ in 0..3 {
        assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    }
    assert!(stream.is_terminated());
    assert_eq!(stream.size_hint(), (0, Some(0)));
    let cut = stream.cancellation().expect("it was cut");
    assert_eq!(cut.cause().message(), Some("enough"));
    assert_eq!((feed.polls(), feed.left()), (1, 4));
    // The rest is where it was.
    let mut rest = stream.into_inner();
    feed.end();
    assert_eq!(taken(&probe, &mut rest), (vec![1, 2, 3, 4], true));
}

#[test]
fn r41_an_item_that_was_handed_over_is_delivered_although_it_is_cancelled_by_then() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let numbers = stream::iter(0..5).inspect(|number| {
        if *number == 2 {
            token.cancel();
        }
    });
    let mut stream = numbers.until_cancelled(&token);
    assert_eq!(taken(&probe, &mut stream), (vec![0, 1, 2], true));
    assert!(stream.cancellation().is_some());
}

#[test]
fn r41_a_cancel_after_the_last_item_has_cut_nothing() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let numbers = stream::iter(0..3).inspect(|number| {
        if *number == 2 {
            token.cancel();
        }
    });
    let mut stream = numbers.until_cancelled(&token);
    assert_eq!(taken(&probe, &mut stream), (vec![0, 1, 2], true));
    assert!(stream.cancellation().is_none());
}

#[test]
fn r41_a_cut_of_a_stream_that_waits_is_not_its_end_whatever_its_size_hint() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    token.cancel_with("enough");
    let waits = || stream::pending::<Result<u8, Cancelled>>();
    assert_eq!(waits().size_hint(), (0, Some(0)));
    let mut plain = waits().until_cancelled(&token);
    assert!(matches!(poll_next(&probe, &mut plain), Poll::Ready(None)));
    assert!(plain.cancellation().is_some());
    let mut results = waits().try_until_cancelled(&token);
    let (items, ended) = taken(&probe, &mut results);
    assert!(
        ended && matches!(&items[..], [Err(cut)] if cut.cause().message() == Some("enough")),
        "{items:?}"
    );
    // Nor is the cut of one inside, which has its end of the same cancel.
    let mut twice = waits().until_cancelled(&token).until_cancelled(&token);
    assert!(matches!(poll_next(&probe, &mut twice), Poll::Ready(None)));
    assert!(twice.cancellation().is_some());
}

#[test]
fn r41_a_stream_that_has_waited_and_ended_before_the_cancel_was_seen_has_missed_nothing() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::<u8>::new([]);
    let mut stream = feed.handle().until_cancelled(&token);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    feed.end();
    token.cancel();
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    assert!(stream.is_terminated() && stream.cancellation().is_none());
}

/// Says that it has nothing left, and has.
struct Liar(Feed<u8>);

impl Stream for Liar {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u8>> {
        self.0.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
}

#[test]
fn r41_what_a_stream_gives_beyond_its_size_hint_is_delivered() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new([1, 2]);
    let mut stream = Liar(feed.handle()).until_cancelled(&token);
    token.cancel();
    assert_eq!(taken(&probe, &mut stream), (vec![1, 2], true));
    assert!(stream.cancellation().is_some(), "it waits");
}

#[test]
fn r41_a_stream_that_waits_is_woken_once_by_the_cancel() {
    let (probe, token) = (Probe::new(), CancellationToken::new().child_token());
    let feed = Feed::<u8>::new([]);
    let mut stream = feed.handle().until_cancelled(&token);
    for _ in 0..3 {
        assert_eq!(poll_next(&probe, &mut stream), Poll::Pending);
    }
    assert_eq!(probe.wakes(), 0);
    token.cancel();
    assert_eq!(probe.wakes(), 1);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
    assert!(stream.cancellation().is_some());
}

#[test]
fn r41_a_cancel_that_comes_while_the_stream_inside_is_polled_is_not_slept_through() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    // Pending, and cancelled before that is told.
    let inner = stream::poll_fn(|_| {
        token.cancel();
        Poll::<Option<u8>>::Pending
    });
    let mut stream = inner.until_cancelled(&token);
    assert_eq!(poll_next(&probe, &mut stream), Poll::Ready(None));
}

struct Noted;

impl Wake for Noted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn r41_nothing_is_registered_while_items_are_ready_and_once_while_none_is() {
    let token = CancellationToken::new();
    let noted = Arc::new(Noted);
    let waker = Waker::from(Arc::clone(&noted));
    let mut cx = Context::from_waker(&waker);
    let mut stream = stream::iter(0..1000)
        .chain(stream::pending())
        .until_cancelled(&token);
    for _ in 0..1000 {
        assert!(stream.poll_next_unpin(&mut cx).is_ready());
    }
    assert_eq!(Arc::strong_count(&noted), 2, "the waker was cloned");
    for _ in 0..10 {
        assert!(stream.poll_next_unpin(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&noted), 3);
    }
}

#[test]
fn r12_a_stream_leaves_nothing_at_its_token() {
    let token = CancellationToken::new();
    let waits = |stream: &mut (dyn Stream<Item = u8> + Unpin), waker: &Arc<Noted>| {
        let waker = waker.clone().into();
        assert!(
            stream
                .poll_next_unpin(&mut Context::from_waker(&waker))
                .is_pending()
        );
    };
    let noted = Arc::new(Noted);
    // Dropped while it waits; and ended after it has waited.
    let mut dropped = stream::pending().until_cancelled(&token);
    waits(&mut dropped, &noted);
    drop(dropped);
    let feed = Feed::new([]);
    let mut ended = feed.handle().until_cancelled(&token);
    waits(&mut ended, &noted);
    feed.end();
    assert_eq!(poll_next(&Probe::new(), &mut ended), Poll::Ready(None));
    assert_eq!(Arc::strong_count(&noted), 1);
}

#[test]
fn r41_a_stream_that_is_always_ready_notices_a_cancel_and_a_deadline() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import")
        .timeout(SECOND)
        .build()
        .unwrap();
    // Each item takes a tenth of a second, and none of them lets anybody else run.
    let pulled = Cell::new(0);
    let numbers = stream::repeat_with(|| {
        manual.advance(SECOND / 10);
        pulled.set(pulled.get() + 1);
    });
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let mut stream = op.stream(numbers);
        while stream.next().await.is_some() {}
        stream.cancellation().expect("it has no other end")
    }));
    let cut = outcome.into_value().expect("it ended by itself");
    assert!(cut.is_timeout());
    assert_eq!(cut.operation().map(|label| label.name()), Some("import"));
    assert!(cut.elapsed() >= Some(SECOND));
    // After ten it was due, and the clock is looked at now and then.
    assert!((10..=64).contains(&pulled.get()), "{}", pulled.get());
}

#[test]
fn r19_every_later_stream_of_a_cancelled_operation_is_cut_also_in_its_grace() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").grace(SECOND).build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.cancel();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut stream = op.stream(stream::iter(0..3));
            seen.push((stream.next().await, stream.cancellation().is_some()));
        }
        seen
    }));
    assert_eq!(outcome.into_value(), Some(vec![(None, true); 3]));
}

#[test]
fn r22_r41_inside_a_shield_a_stream_is_not_cut_and_after_it_is() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").grace(SECOND).build().unwrap();
    let feed = Feed::new([1, 2]);
    let handle = feed.handle();
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let mut stream = op.stream(handle);
        let mut items = Vec::new();
        let filled = async {
            items.extend(stream.next().await);
            // From here on it is cancelled.
            op.cancel();
            items.extend(stream.next().await);
            items.extend(stream.next().await);
        };
        let fed = async {
            runtime.sleep(SECOND / 2).await;
            feed.push(3);
        };
        op.shield(async { join(filled, fed).await }).await;
        assert!(stream.cancellation().is_none());
        feed.push(4);
        items.extend(stream.next().await);
        assert!(stream.cancellation().is_some());
        items
    }));
    assert_eq!(outcome.into_value(), Some(vec![1, 2, 3]));
    assert_eq!(feed.left(), 1);
}

#[test]
fn r22_r41_a_stream_of_an_operation_above_goes_on_inside_a_shield_of_one_below() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let inner = op.child("inner").build().unwrap();
        let kept = Cell::new(None);
        let run = inner.run(async |below: Scope| {
            let shielded = async {
                op.cancel();
                kept.set(op.stream(stream::iter([7])).next().await);
            };
            below.shield(shielded).await;
        });
        assert!(run.await.is_cancelled());
        kept.get()
    }));
    // The body ends in the poll in which the cancel came, so its value counts.
    assert_eq!(outcome.into_value().flatten(), Some(7));
}

#[test]
fn r24_r41_what_was_deferred_may_drain_a_stream() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").build().unwrap();
    let drained = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&drained);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let operation = op.operation().clone();
        let drain = async move {
            let left = operation.stream(stream::iter(0..3)).count().await;
            count.store(left, Ordering::SeqCst);
        };
        op.defer(drain).unwrap();
        op.cancel();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(drained.load(Ordering::SeqCst), 3);
}

#[test]
fn r41_a_bare_token_knows_no_shield() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let seen = async {
            op.cancel();
            stream::iter(0..3).until_cancelled(op.token()).next().await
        };
        op.shield(seen).await
    }));
    // The shield's value is dropped with the body, which shows that it was cancelled.
    assert!(outcome.is_cancelled());
}

#[test]
fn r41_the_cancel_is_the_last_item_of_a_stream_of_results() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let results = stream::iter(0..5)
        .map(Ok::<_, io::Error>)
        .inspect_ok(|number| {
            if *number == 1 {
                token.cancel_with("enough");
            }
        });
    let mut stream = results.try_until_cancelled(&token);
    let (items, ended) = taken(&probe, &mut stream);
    assert!(ended && stream.is_terminated());
    let [Ok(0), Ok(1), Err(error)] = &items[..] else {
        panic!("{items:?}")
    };
    let cancelled = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Cancelled>());
    assert_eq!(cancelled.unwrap().cause().message(), Some("enough"));
    assert!(stream.cancellation().is_some());
}

#[test]
fn r41_a_stream_of_results_ends_after_its_first_error() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let results = stream::iter([Ok(1), Err(io::Error::other("torn")), Ok(2)]);
    let mut stream = results.try_until_cancelled(&token);
    let (items, ended) = taken(&probe, &mut stream);
    assert!(ended && stream.cancellation().is_none());
    assert!(matches!(&items[..], [Ok(1), Err(error)] if error.to_string() == "torn"));
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[test]
fn r41_a_loop_with_a_question_mark_cannot_take_a_cut_for_the_end() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "import").grace(SECOND).build().unwrap();
    let outcome = manual.block_on(scope.try_run(async |op: Scope| {
        let mut sum = 0;
        let mut numbers =
            op.try_stream(stream::iter(1..4).map(Ok::<u32, Box<dyn std::error::Error>>));
        while let Some(number) = numbers.try_next().await? {
            sum += number;
            if number == 2 {
                op.cancel();
            }
        }
        Ok::<_, Box<dyn std::error::Error>>(sum)
    }));
    let error = outcome.into_result().unwrap_err().into_failed().unwrap();
    assert!(error.to_string().starts_with("import cancelled"), "{error}");
}

#[test]
fn r41_the_end_of_a_scope_is_seen_by_a_stream_in_it_whatever_cancels() {
    let manual = ManualRuntime::new();
    // By its own timer, by one above, and by somebody else; there is no grace.
    let by_timer = builder_on(&manual, "import")
        .timeout(SECOND)
        .build()
        .unwrap();
    let above = builder_on(&manual, "import")
        .timeout(SECOND)
        .build()
        .unwrap();
    let by_other = builder_on(&manual, "import").build().unwrap();
    let body = async |op: Scope| {
        let mut stream = op.stream(stream::pending::<u8>());
        assert_eq!(stream.next().await, None);
        stream.cancellation().is_some()
    };
    assert_eq!(manual.block_on(by_timer.run(body)).into_value(), Some(true));
    let outcome = manual.block_on(above.run(async |op: Scope| {
        let below = op.child("below").build().unwrap();
        below.run(body).await.into_value()
    }));
    assert_eq!(outcome.into_value(), Some(Some(true)));
    let other = by_other.operation().clone();
    let runtime = manual.handle();
    let outcome = manual.block_on(async {
        let cancel = async {
            runtime.sleep(SECOND).await;
            other.cancel();
        };
        join(by_other.run(body), cancel).await.0
    });
    assert_eq!(outcome.into_value(), Some(true));
}

#[test]
fn r41_a_stream_that_is_returned_out_of_a_run_is_woken_by_a_cancel_from_above_alone() {
    let manual = ManualRuntime::new();
    let server = builder_on(&manual, "import").build().unwrap();
    let probe = Probe::new();
    let outcome = manual.block_on(server.run(async |op: Scope| {
        let request = op.child("request").timeout(SECOND).build().unwrap();
        let feed = Feed::new([]);
        let body = request.run(async |op: Scope| op.stream(feed.handle()));
        let mut body = body.await.into_value().unwrap();
        assert_eq!(poll_next(&probe, &mut body), Poll::Pending);
        // The timer of its own deadline went with the run.
        manual.advance(SECOND * 2);
        assert_eq!(probe.wakes(), 0);
        feed.push(7);
        assert_eq!(poll_next(&probe, &mut body), Poll::Ready(Some(7)));
        assert_eq!(poll_next(&probe, &mut body), Poll::Pending);
        let wakes = probe.wakes();
        op.cancel_with("enough");
        assert_eq!(probe.wakes(), wakes + 1);
        assert_eq!(poll_next(&probe, &mut body), Poll::Ready(None));
        body.cancellation().unwrap()
    }));
    let cut = outcome.into_value().expect("it ended by itself");
    assert_eq!(cut.cause().message(), Some("enough"));
    // It speaks of the run, which was over at once.
    assert_eq!(cut.operation().map(|label| label.name()), Some("request"));
    assert_eq!(cut.elapsed(), Some(Duration::ZERO));
}
