//! The memory of a registry, to the byte (R36). A binary of its own, because the counter is the global allocator.
#![cfg(feature = "testing")]
#![allow(missing_docs)]

use allocation_counter::measure;
use cancelable_core::operation::OperationSnapshot;
use cancelable_core::registry::Filter;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use std::num::NonZeroUsize;

fn open(manual: &ManualRuntime, registry: Option<&Registry>) -> Scope {
    let builder = Scope::builder("job").runtime(&manual.handle());
    let builder = match registry {
        Some(registry) => builder.register_in(registry),
        None => builder,
    };
    builder.build().expect("it is sound")
}

#[test]
fn r36_bytes_per_operation_that_is_open() {
    const COUNT: usize = 32 * 448;
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let mut kept = Vec::with_capacity(2 * COUNT);
    let plain = measure(|| kept.extend((0..COUNT).map(|_| open(&manual, None))));
    let listed = measure(|| kept.extend((0..COUNT).map(|_| open(&manual, Some(&registry)))));
    let (plain, listed) = (plain.bytes_current, listed.bytes_current);
    let each = |bytes: i64| bytes / COUNT as i64;
    println!(
        "an operation: {} bytes; one that is listed: {} bytes",
        each(plain),
        each(listed)
    );
    assert!(
        each(listed - plain) <= 64,
        "{} bytes for a listing",
        each(listed - plain)
    );
    assert_eq!(registry.len(), COUNT);
    drop(kept);
}

#[test]
fn r36_bytes_per_operation_of_which_few_are_left() {
    const OPENED: usize = 32 * 64 * 64;
    let (manual, registry) = (ManualRuntime::new(), Registry::builder().history(0).build());
    drop(open(&manual, Some(&registry)));
    let keep_some = |registry| {
        let mut kept = Vec::with_capacity(OPENED);
        kept.extend((0..OPENED).map(|_| open(&manual, registry)));
        // Far apart, so that each is alone where the list has it.
        let mut number = 0;
        kept.retain(|_| {
            number += 1;
            number % (32 * 64) < 32
        });
        kept.shrink_to_fit();
        kept
    };
    let mut kept = Vec::new();
    let plain = measure(|| kept.push(keep_some(None))).bytes_current;
    let listed = measure(|| kept.push(keep_some(Some(&registry)))).bytes_current;
    let each = (listed - plain) / registry.len() as i64;
    println!("{each} bytes for a listing of one of 64");
    assert!(registry.len() >= 1000 && each <= 120, "{each} bytes");
}

#[test]
fn r36_a_hundred_thousand_operations_leave_nothing() {
    const ALIVE: usize = 1000;
    const COUNT: usize = 100_000;
    let manual = ManualRuntime::new();
    let registry = Registry::builder().history(64).build();
    // A reader that never reads.
    let events = registry.events_with_capacity(NonZeroUsize::new(64).unwrap());
    let mut alive: std::collections::VecDeque<Scope> =
        std::collections::VecDeque::with_capacity(ALIVE + 1);
    let mut turn = |count: usize| {
        for _ in 0..count {
            alive.push_back(open(&manual, Some(&registry)));
            if alive.len() > ALIVE {
                let scope = alive.pop_front().unwrap();
                assert!(manual.block_on(scope.run(async |_| ())).is_completed());
            }
        }
    };
    turn(10 * ALIVE);
    let before = registry.statistics();
    let info = measure(|| turn(COUNT));
    // The shards' maps may have moved by one step of their growth.
    let slack = 32 * 2048;
    assert!(info.bytes_current.abs() <= slack, "{info:?}");
    let after = registry.statistics();
    let done =
        |statistics: &cancelable_core::registry::Statistics| statistics.count(Status::Completed);
    assert_eq!(done(&after) - done(&before), COUNT as u64);
    assert_eq!((after.open(), registry.len()), (ALIVE as u64, ALIVE));
    assert_eq!(registry.history(&Filter::new()).len(), 64);
    assert!(events.missed() >= 3 * COUNT as u64);
}

#[test]
fn r36_a_history_grows_as_it_fills() {
    let manual = ManualRuntime::new();
    let end = |registry: &Registry| {
        let scope = open(&manual, Some(registry));
        manual.block_on(scope.run(async |_| 7)).into_value()
    };
    let mut kept = Vec::with_capacity(3);
    for bound in [100_000, 5_000_000, usize::MAX] {
        let info = measure(|| {
            let registry = Registry::builder().history(bound).build();
            assert_eq!(end(&registry), Some(7));
            kept.push(registry);
        });
        assert!(info.bytes_max <= 64 * 1024, "{bound}: {info:?}");
    }
    // Twice what it holds, at the most.
    let (registry, one) = (&kept[2], size_of::<OperationSnapshot>() + 32);
    let info = measure(|| {
        for _ in 0..10_000 {
            assert_eq!(end(registry), Some(7));
        }
    });
    assert!(info.bytes_current <= 20_000 * one as i64, "{info:?}");
    assert_eq!(registry.history(&Filter::new()).len(), 10_001);
}

#[test]
fn r36_a_peak_is_given_back() {
    let (manual, registry) = (ManualRuntime::new(), Registry::builder().history(0).build());
    drop(open(&manual, Some(&registry)));
    let info = measure(|| {
        let kept = (0..100_000).map(|_| open(&manual, Some(&registry)));
        drop(kept.collect::<Vec<_>>());
    });
    assert!(info.bytes_max > 10_000_000);
    assert!(info.bytes_current <= 32 * 4096, "{info:?}");
    assert!(registry.is_empty());
}
