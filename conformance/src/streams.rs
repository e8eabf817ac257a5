//! Streams that a cancel ends.

use crate::Subject;
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::{CancellationToken, Scope};
use futures_util::{Stream, StreamExt, stream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();
const THIRTY: NonZeroUsize = NonZeroUsize::new(30).unwrap();
const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A stream of numbers from zero, each ready at once, that is pending after the last number.
fn numbers(end: u32) -> impl Stream<Item = u32> {
    stream::iter(0..end).chain(stream::pending())
}

pub fn r41_a_stream_ends_at_the_deadline_and_gives_what_it_had<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("import")
            .runtime(&runtime)
            .timeout(MILLISECOND * 5);
        let scope = scope.build().unwrap();
        let run = scope.run(|op| {
            let chunks = op.stream(numbers(1000)).chunks(300);
            chunks.collect_partial::<Vec<_>>()
        });
        let partial = run.await.into_value().unwrap();
        assert!(partial.cancellation().unwrap().is_timeout());
        assert_eq!(partial.into_items().concat().len(), 1000);
    });
}

pub fn r41_a_stream_that_waits_is_ended_from_another_thread<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let far = token.clone();
        let canceller = runtime.spawn_blocking(move || far.cancel_with("from afar"));
        let partial = numbers(3)
            .until_cancelled(&token)
            .collect_partial::<Vec<_>>()
            .await;
        assert_eq!(partial.cause().unwrap().message(), Some("from afar"));
        assert!(canceller.await.unwrap());
    });
}

pub fn r41_a_busy_stream_is_ended_by_a_task<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let pulled = Arc::new(AtomicU32::new(0));
        let (far, seen) = (token.clone(), Arc::clone(&pulled));
        let after = runtime.clone();
        let canceller = runtime.spawn(async move {
            while seen.load(Ordering::SeqCst) < 1000 {
                after.sleep(MILLISECOND).await;
            }
            far.try_cancel()
        });
        // On a single thread the clock must advance too, so each hundredth number waits before it counts.
        let endless = stream::repeat(()).then(async |()| {
            if pulled.load(Ordering::SeqCst) % 100 == 99 {
                runtime.sleep(MILLISECOND).await;
            }
            pulled.fetch_add(1, Ordering::SeqCst)
        });
        let partial = endless
            .until_cancelled(&token)
            .collect_partial::<Vec<_>>()
            .await;
        assert!(!partial.is_complete());
        assert_eq!(partial.items().len() as u32, pulled.load(Ordering::SeqCst));
        assert!(canceller.await.unwrap());
    });
}

pub fn r41_no_item_is_lost_in_a_race_with_the_cancel<S: Subject>() {
    S::run(async |runtime| {
        for round in 0..50 {
            let token = CancellationToken::new();
            let pulled = Arc::new(AtomicU32::new(0));
            let (far, seen) = (token.clone(), Arc::clone(&pulled));
            let canceller = runtime.spawn_blocking(move || {
                while seen.load(Ordering::SeqCst) < round {
                    std::hint::spin_loop();
                }
                far.try_cancel()
            });
            let counted = stream::repeat_with(|| pulled.fetch_add(1, Ordering::SeqCst));
            let counted = counted.take(100_000);
            let chunks = counted.until_cancelled(&token).chunks(7);
            let items = chunks
                .collect_partial::<Vec<_>>()
                .await
                .into_items()
                .concat();
            assert!(items.iter().copied().eq(0..pulled.load(Ordering::SeqCst)));
            assert!(canceller.await.unwrap());
        }
    });
}

pub fn r41_a_chunk_waits_no_longer_than_it_may<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("batches").runtime(&runtime).build().unwrap();
        let run = scope.run(async |op: Scope| {
            let numbers = op.stream(numbers(5));
            let mut chunks = numbers.chunks_within(THREE, MILLISECOND, &runtime);
            (chunks.next().await, chunks.next().await)
        });
        let chunks = run.await.into_value().unwrap();
        assert_eq!(chunks, (Some(vec![0, 1, 2]), Some(vec![3, 4])));
    });
}

pub fn r42_a_complete_result_says_so<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("import").runtime(&runtime).timeout(HOUR);
        let scope = scope.build().unwrap();
        let run = scope.run(async |op: Scope| {
            let numbers = op.stream(stream::iter(0..200));
            let numbers = numbers.report_every(THIRTY, op.progress());
            numbers.collect_partial::<Vec<_>>().await
        });
        let collected = run.await.into_value().unwrap();
        assert!(collected.is_complete());
        assert_eq!(collected.into_items().len(), 200);
        assert_eq!(scope.progress().position(), 200);
    });
}
