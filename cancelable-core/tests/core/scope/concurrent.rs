//! Work on many items in place: the number at once, the order, and the state after a cancel.

use crate::support::probe::Probe;
use crate::support::{SECOND, at_most};
use cancelable_core::scope::MapConcurrent;
use cancelable_core::stream::CancellableStream;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Scope, Status};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

fn open(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .grace(SECOND * 1000);
    builder.build().expect("it is sound")
}

/// The results of a stream that are there now, and whether it has ended.
fn taken<S: Stream>(probe: &Probe, mut stream: Pin<&mut S>) -> (Vec<S::Item>, bool) {
    let mut items = Vec::new();
    loop {
        let next = pin!(poll_fn(|cx| stream.as_mut().poll_next(cx)));
        match probe.poll(next) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return (items, true),
            Poll::Pending => return (items, false),
        }
    }
}

/// Sleeps for the seconds of the item, and returns the item.
fn sleeping(manual: &ManualRuntime) -> impl Fn(u32) -> Pin<Box<dyn Future<Output = u32>>> + use<> {
    let runtime = manual.handle();
    move |seconds| {
        let sleep = runtime.sleep(SECOND * seconds);
        Box::pin(async move {
            sleep.await;
            seconds
        })
    }
}

#[test]
fn r25_results_come_in_order_and_no_more_are_under_way_than_the_limit() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let pulled = Rc::new(Cell::new(0));
    let count = pulled.clone();
    let items = stream::iter([3, 1, 1, 1]).inspect(move |_| count.set(count.get() + 1));
    let map = scope.map_concurrent(at_most(2), items, sleeping(&manual));
    let (probe, mut map) = (Probe::new(), pin!(map));
    assert_eq!(
        pulled.get(),
        0,
        "nothing is pulled before results are asked for"
    );
    assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
    assert_eq!(pulled.get(), 2);
    manual.advance(SECOND);
    assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
    assert_eq!(
        pulled.get(),
        2,
        "a result that waits for an earlier one takes up room"
    );
    manual.advance(SECOND * 2);
    assert_eq!(taken(&probe, map.as_mut()), (vec![3, 1], false));
    assert_eq!(pulled.get(), 4);
    manual.advance(SECOND);
    assert_eq!(taken(&probe, map.as_mut()), (vec![1, 1], true));
    assert!(map.is_complete());
}

#[test]
fn r25_unordered_results_come_as_soon_as_they_are_there() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let map = scope.map_concurrent(at_most(2), stream::iter([3, 1, 2]), sleeping(&manual));
    let (probe, mut map) = (Probe::new(), pin!(map.unordered()));
    assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
    manual.advance(SECOND);
    assert_eq!(taken(&probe, map.as_mut()), (vec![1], false));
    manual.advance(SECOND * 2);
    let (mut rest, ended) = taken(&probe, map.as_mut());
    rest.sort_unstable();
    assert_eq!((rest, ended), (vec![2, 3], true));
}

/// A stream of what the test puts in.
#[derive(Clone, Default)]
struct Feed(Rc<RefCell<(Vec<u32>, Option<std::task::Waker>)>>);

impl Feed {
    fn give(&self, item: u32) {
        let waker = {
            let mut inner = self.0.borrow_mut();
            inner.0.push(item);
            inner.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Stream for Feed {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        let mut inner = self.0.borrow_mut();
        if inner.0.is_empty() {
            inner.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Some(inner.0.remove(0)))
    }
}

#[test]
fn r25_a_stream_is_pulled_from_only_when_there_is_room() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let feed = Feed::default();
    for _ in 0..3 {
        feed.give(1);
    }
    let map = scope.map_concurrent(at_most(2), feed.clone(), sleeping(&manual));
    let (probe, mut map) = (Probe::new(), pin!(map));
    assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
    assert_eq!(feed.0.borrow().0.len(), 1, "backpressure");
    manual.advance(SECOND);
    assert_eq!(taken(&probe, map.as_mut()), (vec![1, 1], false));
    manual.advance(SECOND);
    assert_eq!(taken(&probe, map.as_mut()), (vec![1], false));
    let wakes = probe.wakes();
    feed.give(0);
    assert_eq!(probe.wakes(), wakes + 1, "it waits for the stream");
    assert_eq!(taken(&probe, map.as_mut()), (vec![0], false));
}

#[test]
fn r25_a_cancel_stops_the_pulling_and_what_is_under_way_is_delivered() {
    for ordered in [true, false] {
        let manual = ManualRuntime::new();
        let scope = open(&manual);
        let pulled = Rc::new(Cell::new(0));
        let count = pulled.clone();
        let items = stream::iter([2, 1, 1, 1]).inspect(move |_| count.set(count.get() + 1));
        let map = scope.map_concurrent(at_most(2), items, sleeping(&manual));
        let map = if ordered { map } else { map.unordered() };
        let (probe, mut map) = (Probe::new(), pin!(map));
        assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
        manual.advance(SECOND);
        scope.cancel();
        let (mut results, ended) = taken(&probe, map.as_mut());
        assert!(!ended, "one is under way");
        manual.advance(SECOND);
        let (more, ended) = taken(&probe, map.as_mut());
        results.extend(more);
        results.sort_unstable();
        assert_eq!((results, ended), (vec![1, 2], true));
        assert_eq!(pulled.get(), 2);
        assert!(!map.is_complete());
    }
}

#[test]
fn r25_a_cancel_wakes_who_waits_for_a_stream_and_ends_it() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let map = scope.map_concurrent(at_most(2), Feed::default(), ready);
    let (probe, mut map) = (Probe::new(), pin!(map));
    assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
    scope.cancel();
    assert_eq!(probe.wakes(), 1);
    assert_eq!(taken(&probe, map.as_mut()), (vec![], true));
    assert!(!map.is_complete());
}

/// Concurrent work on `items` of a scope that is cancelled: whether it was told that these were all.
fn all_were_done<S: Stream<Item = u32>>(items: impl FnOnce(&Scope) -> S) -> (bool, Duration) {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl").runtime(&manual.handle());
    let scope = builder.timeout(SECOND * 5).build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let items = items(&op);
        let each = async |_| manual.advance(SECOND);
        let all = op.for_each_concurrent(at_most(2), items, each);
        all.await.is_ok()
    }));
    let elapsed = outcome.elapsed().expect("it was run");
    // A body that the cancel drops was not told it either.
    (outcome.into_value().unwrap_or(false), elapsed)
}

#[test]
fn r41_concurrent_work_on_a_stream_that_waits_is_not_at_its_end_whatever_its_size_hint() {
    let waits = |_: &Scope| stream::iter([1, 2]).chain(stream::pending());
    assert_eq!(all_were_done(waits), (false, SECOND * 5));
    // The stream of the operation looks at the clock, and has its end of the same cancel.
    let cut = |op: &Scope| op.stream(stream::repeat(1));
    assert!(!all_were_done(cut).0);
    let waits_and_is_cut = |op: &Scope| {
        op.cancel();
        op.stream(stream::pending())
    };
    assert!(!all_were_done(waits_and_is_cut).0);
    let ends = |op: &Scope| op.stream(stream::iter([1, 2]));
    assert_eq!(all_were_done(ends), (true, SECOND * 2));
}

#[test]
fn r41_what_is_below_concurrent_work_is_polled_to_its_end() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let items = op
            .stream(stream::iter(0..5))
            .report_every(at_most(3), op.progress());
        let map = op.map_concurrent(at_most(2), items, ready);
        let mut map = pin!(map);
        while map.next().await.is_some() {}
        assert!(map.is_complete());
        op.progress().position()
    }));
    assert_eq!(outcome.into_value(), Some(5), "the rest at the end");
}

#[test]
fn r48_a_cancel_has_cut_what_is_under_way_whether_or_not_anything_is_left() {
    for left in [0, 1] {
        let manual = ManualRuntime::new();
        let scope = open(&manual);
        let items = stream::iter(std::iter::repeat_n(1, 2 + left));
        let map = scope.map_concurrent(at_most(2), items, sleeping(&manual));
        let (probe, mut map) = (Probe::new(), pin!(map));
        assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
        scope.cancel();
        assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
        manual.advance(SECOND);
        assert_eq!(taken(&probe, map.as_mut()), (vec![1, 1], true));
        assert!(!map.is_complete());
        assert!(map.cancellation().is_some());
    }
}

#[test]
fn r48_a_cancel_after_the_last_of_the_work_has_cut_nothing() {
    for ordered in [true, false] {
        let manual = ManualRuntime::new();
        let scope = open(&manual);
        let map = scope.map_concurrent(at_most(3), stream::iter([2, 1]), sleeping(&manual));
        let map = map;
        let map = if ordered { map } else { map.unordered() };
        let (probe, mut map) = (Probe::new(), pin!(map));
        assert_eq!(taken(&probe, map.as_mut()), (vec![], false));
        manual.advance(SECOND);
        let (mut results, _) = taken(&probe, map.as_mut());
        manual.advance(SECOND);
        let next = probe.poll(pin!(map.as_mut().next()));
        assert_eq!(next, Poll::Ready(Some(2)));
        // In order, the result of the second waits for its turn.
        assert_eq!(results.is_empty(), ordered);
        scope.cancel();
        let (rest, ended) = taken(&probe, map.as_mut());
        results.extend(rest);
        assert_eq!((results, ended), (vec![1], true));
        assert!(map.is_complete());
        assert!(map.cancellation().is_none());
    }
}

/// Returns the outcome of a scope whose work on `items` is cut after a second, although each item ends without an
/// error.
fn cut_by_a_timeout(items: usize, grace: Duration) -> (Status, bool, bool) {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl").runtime(&manual.handle());
    let scope = builder.timeout(SECOND).grace(grace).build();
    let scope = scope.expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        // Each has a scope of its own, which is cancelled with the one around it.
        let visit = |_| async {
            let page = op.child("page").build().expect("it is sound");
            drop(page.run(async |_| pending::<()>().await).await);
        };
        let all = op.for_each_concurrent(at_most(4), stream::iter(0..items), visit);
        all.await
    }));
    let status = outcome.status();
    let is_cut = outcome.value().is_none_or(Result::is_err);
    (status, is_cut, outcome.complete().is_err())
}

#[test]
fn r48_the_same_cancel_is_an_error_however_many_items_there_were() {
    for grace in [Duration::ZERO, SECOND] {
        for items in [1, 2, 4, 5, 20] {
            let (status, is_cut, is_incomplete) = cut_by_a_timeout(items, grace);
            assert!(is_cut, "{items} items with a grace of {grace:?}: {status}");
            assert!(
                is_incomplete,
                "{items} items with a grace of {grace:?}: {status}"
            );
        }
    }
}

/// Items that compute give the run no chance to look at its timer.
#[test]
fn r46_r48_a_deadline_that_passes_while_items_compute_cuts_the_work() {
    for items in [2, 3, 5, 20] {
        for ordered in [true, false] {
            let manual = ManualRuntime::new();
            let builder = Scope::builder("crawl").runtime(&manual.handle());
            let scope = builder.timeout(SECOND).build().expect("it is sound");
            let started = Cell::new(0);
            let outcome = manual.block_on(scope.run(async |op: Scope| {
                let compute = async |_| {
                    started.set(started.get() + 1);
                    manual.advance(SECOND * 6 / 10);
                };
                if ordered {
                    let map = op.map_concurrent(at_most(4), stream::iter(0..items), compute);
                    map.into_vec().await.is_err()
                } else {
                    let work = op.for_each_concurrent(at_most(4), stream::iter(0..items), compute);
                    work.await.is_err()
                }
            }));
            assert_eq!(outcome.value(), Some(&true), "{items} items");
            let cause = outcome.cause();
            assert!(cause.is_some_and(|cause| cause.reason().is_timeout()));
            // The first was over in time, and a fifth had its place by then; none is pulled after that.
            assert!(started.get() <= 5);
        }
    }
}

#[test]
fn r48_a_vector_of_results_that_was_cut_is_an_error() {
    for items in [2, 5] {
        let manual = ManualRuntime::new();
        let scope = open(&manual);
        let runtime = manual.handle();
        let canceller = scope.clone();
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let work = async |_| {
                runtime.sleep(SECOND).await;
                canceller.cancel_with("enough");
            };
            let all = op.map_concurrent(at_most(2), stream::iter(0..items), work);
            all.into_vec().await
        }));
        let cut = outcome.into_value().expect("it has grace");
        assert_eq!(
            cut.expect_err("it was cut").cause().message(),
            Some("enough")
        );
    }
}

#[test]
fn r25_for_each_does_all_or_says_why_not() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let sum = Rc::new(Cell::new(0));
    let outcome = manual.block_on(scope.run(|op| {
        let sum = sum.clone();
        async move {
            let add = |number| {
                let sum = &sum;
                async move { sum.set(sum.get() + number) }
            };
            let all = op
                .for_each_concurrent(at_most(2), stream::iter(1..=4), add)
                .await;
            let at_cancel = |number| {
                let op = &op;
                async move {
                    if number == 2 {
                        op.cancel_with("enough");
                    }
                }
            };
            let some = op
                .for_each_concurrent(at_most(1), stream::iter(1..=4), at_cancel)
                .await;
            // All were pulled before it looked.
            let last = op
                .for_each_concurrent(at_most(1), stream::iter([0; 0]), at_cancel)
                .await;
            (all, some, last)
        }
    }));
    let (all, some, last) = outcome.into_value().expect("it has grace");
    assert!(all.is_ok() && last.is_ok());
    assert_eq!(sum.get(), 10);
    let cancelled = some.expect_err("it was cancelled");
    assert_eq!(
        (cancelled.reason(), cancelled.cause().message()),
        (&Reason::Requested, Some("enough"))
    );
}

#[test]
fn r25_work_in_place_is_dropped_with_the_body() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("crawl")
        .build()
        .expect("it needs no runtime");
    let alive = Rc::new(());
    let mut run = pin!(scope.run(|op| {
        let alive = alive.clone();
        async move {
            let hang = |_| {
                let alive = alive.clone();
                async move {
                    pending::<()>().await;
                    drop(alive);
                }
            };
            drop(
                op.for_each_concurrent(at_most(8), stream::iter(0..100), hang)
                    .await,
            );
        }
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(Rc::strong_count(&alive), 1 + 1 + 8);
    scope.cancel();
    assert!(manual.block_on(run).is_cancelled());
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn r25_work_that_is_always_ready_lets_others_run() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let done = Cell::new(0);
    let each = |_| {
        done.set(done.get() + 1);
        ready(())
    };
    let mut all = pin!(scope.for_each_concurrent(at_most(4), stream::iter(0..), each));
    let probe = Probe::new();
    assert!(
        probe.poll(all.as_mut()).is_pending(),
        "there is no end to the items"
    );
    assert!(
        done.get() >= 64 && probe.wakes() > 0,
        "{} {}",
        done.get(),
        probe.wakes()
    );
}

#[test]
fn r25_a_vector_of_all_results_keeps_the_order() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let map = scope.map_concurrent(at_most(3), stream::iter([3, 1, 2, 1]), sleeping(&manual));
    let results = manual.block_on(MapConcurrent::into_vec(map));
    assert_eq!(results.expect("nothing was cut"), [3, 1, 2, 1]);
}
