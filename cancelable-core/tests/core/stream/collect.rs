//! The items of a stream before a cut.

use super::feed::Feed;
use crate::support::probe::Probe;
use crate::support::{SECOND, at_most};
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::testing::{
    AwaitReport, ManualRuntime, cancel_at_every_await, cancel_token_at_every_await,
};
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use futures_util::{Stream, StreamExt, stream};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

#[test]
fn r42_a_stream_that_came_to_its_end_is_complete() {
    let token = CancellationToken::new();
    let stream = stream::iter(0..3).until_cancelled(&token);
    let partial = ManualRuntime::new().block_on(stream.collect_partial::<Vec<_>>());
    assert!(partial.is_complete() && partial.cause().is_none());
    assert_eq!(partial.items(), &[0, 1, 2]);
    assert_eq!(partial.into_complete().unwrap(), [0, 1, 2]);
}

#[test]
fn r42_a_cut_stream_gives_what_it_had_and_says_why() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let feed = Feed::new(0..3);
    let stream = feed.handle().until_cancelled(&token);
    let mut collect = pin!(stream.collect_partial::<BTreeSet<_>>());
    assert!(probe.poll(collect.as_mut()).is_pending());
    token.cancel_with("enough");
    let Poll::Ready(partial) = probe.poll(collect) else {
        panic!("it is cancelled")
    };
    assert!(!partial.is_complete());
    assert_eq!(
        partial.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    let told = partial.cancellation().unwrap().to_string();
    assert!(
        told.starts_with("cancelled: cancel requested: enough"),
        "{told}"
    );
    let partial = partial.into_complete().unwrap_err();
    assert_eq!(partial.into_items(), BTreeSet::from([0, 1, 2]));
}

#[test]
fn r42_a_cancel_while_the_stream_waits_for_its_end_leaves_the_items_incomplete() {
    let token = CancellationToken::new();
    let lines = stream::iter(["a", "b", "c"]).inspect(|line| {
        if *line == "c" {
            token.cancel_with("enough");
        }
    });
    // The next step may be the end, or a line.
    let lines = lines.chain(stream::pending()).until_cancelled(&token);
    let partial = ManualRuntime::new().block_on(lines.collect_partial::<Vec<_>>());
    assert_eq!(
        partial.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    assert!(!partial.is_complete());
    assert_eq!(partial.into_items(), ["a", "b", "c"]);
}

/// Concurrent work under a grace period, cancelled while the third of five items is under way.
fn concurrent_work(cancel: bool) -> cancelable_core::stream::Collected<Vec<u32>> {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("numbers").runtime(&manual.handle());
    let scope = builder.grace(10 * SECOND).build();
    let scope = scope.expect("it has a runtime");
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(|op| {
        let canceller = op.clone();
        let work = move |number| {
            let (runtime, op) = (runtime.clone(), canceller.clone());
            async move {
                runtime.sleep(SECOND).await;
                if cancel && number == 3 {
                    op.cancel();
                }
                number
            }
        };
        let numbers = op.map_concurrent(at_most(2), stream::iter(1..=5), work);
        let numbers = numbers;
        numbers.collect_partial::<Vec<_>>()
    }));
    outcome.into_value().expect("its grace is long enough")
}

#[test]
fn r42_concurrent_work_that_was_cut_is_not_taken_for_complete() {
    let whole = concurrent_work(false);
    assert!(whole.is_complete());
    assert_eq!(whole.items(), &[1, 2, 3, 4, 5]);
    let partial = concurrent_work(true);
    assert!(!partial.is_complete());
    assert!(partial.cancellation().is_some());
    // The fourth was under way with the third.
    assert_eq!(partial.items(), &[1, 2, 3, 4]);
}

#[test]
fn r42_results_are_collected_up_to_the_first_error() {
    let token = CancellationToken::new();
    let results = stream::iter([Ok(1), Ok(2), Err("torn"), Ok(3)]);
    let collect = results
        .until_cancelled(&token)
        .try_collect_partial::<Vec<_>, _, _>();
    let partial = ManualRuntime::new().block_on(collect);
    assert!(!partial.is_complete());
    assert_eq!(partial.error(), Some(&"torn"));
    assert!(matches!(partial.into_parts(), (items, None, Some("torn")) if items == [1, 2]));
}

#[test]
fn r42_results_are_collected_up_to_the_cancel_and_to_the_end() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    let results = || stream::iter([1, 2, 3]).map(Ok::<_, std::io::Error>);
    let collect = results()
        .until_cancelled(&token)
        .try_collect_partial::<Vec<_>, _, _>();
    assert_eq!(manual.block_on(collect).into_complete().unwrap(), [1, 2, 3]);
    let cut = results().inspect(|result| {
        if matches!(result, Ok(2)) {
            token.cancel();
        }
    });
    let collect = cut
        .try_until_cancelled(&token)
        .try_collect_partial::<Vec<_>, _, _>();
    let partial = manual.block_on(collect);
    // As an error of the stream, and as itself.
    assert!(partial.error().is_some() && partial.cause().is_some());
    assert_eq!(partial.into_items(), [1, 2]);
}

#[test]
fn r42_others_run_while_a_stream_that_is_always_ready_is_collected() {
    let (probe, token) = (Probe::new(), CancellationToken::new());
    let stream = stream::iter(0..200).until_cancelled(&token);
    let mut collect = pin!(stream.collect_partial::<Vec<_>>());
    let mut polls = 1;
    while probe.poll(collect.as_mut()).is_pending() {
        assert_eq!(probe.wakes(), polls, "nobody else wakes it");
        polls += 1;
    }
    assert_eq!(polls, 4);
}

#[test]
fn r42_a_body_that_collects_gives_it_when_its_scope_is_cancelled() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder.timeout(SECOND).build().unwrap();
    let stream = stream::iter(0..3).chain(stream::pending());
    let run = scope.run(|op| op.stream(stream).collect_partial::<Vec<_>>());
    let outcome = manual.block_on(run);
    // The stream was cancelled, and has ended on its own (R18).
    assert!(outcome.is_completed() && outcome.cause().is_some());
    let partial = outcome.into_value().unwrap();
    assert!(partial.cancellation().unwrap().is_timeout());
    assert_eq!(partial.items(), &[0, 1, 2]);
}

/// Numbers from zero on: two at once, then a second of waiting, up to `end`; what is pulled is noted.
fn numbers(
    runtime: RuntimeHandle,
    end: u32,
    pulled: Rc<Cell<u32>>,
) -> impl Stream<Item = u32> + Unpin {
    let numbers = stream::unfold(0, move |next| {
        let (runtime, pulled) = (runtime.clone(), pulled.clone());
        async move {
            if next % 2 == 0 {
                runtime.sleep(SECOND).await;
            }
            pulled.set(next + 1);
            (next < end).then_some((next, next + 1))
        }
    });
    Box::pin(numbers)
}

fn in_order(items: impl IntoIterator<Item = u32>, pulled: u32) -> Result<(), String> {
    let items: Vec<_> = items.into_iter().collect();
    match items.iter().copied().eq(0..pulled) {
        true => Ok(()),
        false => Err(format!(
            "{pulled} were pulled, and these are there: {items:?}"
        )),
    }
}

#[test]
fn r41_wherever_the_token_is_cancelled_no_item_is_lost_by_any_step() {
    let pulled = Rc::new(Cell::new(0));
    let report = cancel_token_at_every_await(
        |runtime, token| {
            pulled.set(0);
            let numbers = numbers(runtime, 9, pulled.clone());
            async move {
                let chunks = numbers.until_cancelled(&token).keep_last(at_most(100));
                let last = chunks.last_items();
                let chunks = chunks.chunks(4);
                (chunks.collect_partial::<Vec<_>>().await, last.to_vec())
            }
        },
        |_, output| {
            let (partial, last) = output.ok_or("it did not end")?;
            let pulled = pulled.get().min(9);
            in_order(last, pulled)?;
            in_order(partial.into_items().concat(), pulled)
        },
    );
    assert!(report.into_result().unwrap().points() >= 5);
}

#[test]
fn r41_a_chain_that_holds_items_back_is_caught_by_the_check() {
    let pulled = Rc::new(Cell::new(0));
    let report = cancel_token_at_every_await(
        |runtime, token| {
            pulled.set(0);
            let numbers = numbers(runtime, 9, pulled.clone());
            // The chunks of another crate above which it is cut keep the rest.
            let chunks = Box::pin(numbers.chunks(4)).until_cancelled(&token);
            async move { chunks.collect_partial::<Vec<_>>().await.into_items() }
        },
        |_, output| in_order(output.unwrap_or_default().concat(), pulled.get().min(9)),
    );
    assert!(!report.broken().is_empty());
}

#[allow(
    clippy::await_holding_refcell_ref,
    reason = "each run has the place to itself"
)]
fn dropped_at_every_await<T: Default + 'static>(
    collect: &impl AsyncFn(cancelable_core::stream::UntilCancelled<Numbers>, &mut T),
    items: impl Fn(&T) -> Vec<u32>,
) -> AwaitReport {
    let pulled = Rc::new(Cell::new(0));
    let place = RefCell::new(T::default());
    cancel_at_every_await(
        |runtime| {
            pulled.set(0);
            place.replace(T::default());
            let numbers: Numbers = Box::new(numbers(runtime, 9, pulled.clone()));
            let stream = numbers.until_cancelled(&CancellationToken::new());
            let place = &place;
            async move {
                let mut place = place.borrow_mut();
                collect(stream, &mut place).await;
            }
        },
        |_| in_order(items(&place.borrow()), pulled.get().min(9)),
    )
}

type Numbers = Box<dyn Stream<Item = u32> + Unpin>;

#[test]
fn r42_what_is_collected_into_a_place_outside_is_there_wherever_the_future_is_dropped() {
    let report = dropped_at_every_await(
        &async |stream, items: &mut Vec<u32>| {
            let mut stream = stream;
            while let Some(item) = stream.next().await {
                items.push(item);
            }
            assert!(stream.cancellation().is_none());
        },
        Vec::clone,
    );
    assert!(report.into_result().unwrap().points() >= 5);
    // And the check would see it if it were not.
    let report = dropped_at_every_await(
        &async |stream, items: &mut Vec<u32>| {
            *items = stream.collect_partial::<Vec<_>>().await.into_items();
        },
        Vec::clone,
    );
    assert!(!report.broken().is_empty());
}

#[test]
fn r41_the_wait_for_an_item_may_be_given_up() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let pulled = Rc::new(Cell::new(0));
    let token = CancellationToken::new();
    let stream = numbers(runtime.clone(), 5, pulled);
    let mut chunks = stream.until_cancelled(&token).chunks(2);
    let items = manual.block_on(async {
        let mut items = Vec::new();
        loop {
            // Given up again and again.
            match runtime.timeout(SECOND / 3, chunks.next()).await {
                Ok(Some(chunk)) => items.extend(chunk),
                Ok(None) => return items,
                Err(_) => {}
            }
        }
    });
    in_order(items, 5).unwrap();
}
