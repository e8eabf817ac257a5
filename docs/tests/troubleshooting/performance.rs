//! Performance: memory, and cancels of many operations.

use crate::page::shows;
use cancelable_core::registry::Filter;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, stream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const MEMORY: &str = "High memory usage: a registry that is never cleared";

fn open(registry: &Registry) -> Scope {
    Scope::builder("job").register_in(registry).build().unwrap()
}

#[test]
fn a_registry_grows_with_what_is_open_and_not_with_what_has_ended() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    for _ in 0..10_000 {
        let run = open(&registry).run(async |_| ());
        assert!(manual.block_on(run).is_completed());
    }
    // The default of the history.
    let all = Filter::new();
    assert_eq!((registry.len(), registry.history(&all).len()), (0, 512));

    // Scopes that are kept and never run stay open.
    let kept: Vec<_> = (0..3).map(|_| open(&registry)).collect();
    assert_eq!(registry.len(), 3);
    let dump = registry.dump();
    shows(MEMORY, dump.lines().next().unwrap());
    shows(MEMORY, dump.lines().nth(1).unwrap());
    registry.clear();
    assert_eq!((registry.len(), registry.history(&all).len()), (3, 0));
    drop(kept);
    assert!(registry.is_empty());
    assert_eq!(registry.statistics().open(), 0);
    std::mem::forget(open(&registry));
    assert_eq!(registry.len(), 1);
}

#[test]
fn a_reader_that_does_not_read_keeps_a_bounded_number_of_events() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let mut events = registry.events();
    for _ in 0..2000 {
        drop(manual.block_on(open(&registry).run(async |_| ())));
    }
    let mut kept = 0;
    while events.try_next().is_some() {
        kept += 1;
    }
    // The bound, and the event that reports the missed ones.
    assert_eq!((kept, events.missed() > 0), (1025, true));
}

#[test]
fn the_failures_of_a_scope_s_own_children_are_all_kept_with_collect_all() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("sync")
        .runtime(&manual.handle())
        .collect_all();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        for _ in 0..1000 {
            drop(op.try_spawn(async { Err::<(), _>("torn") }).unwrap());
        }
    }));
    assert_eq!(outcome.child_failures().len(), 1000);
}

/// The number of children that exist at once, when all are spawned and when they are worked on in a batch.
#[test]
fn a_limit_bounds_the_operations_that_a_cancel_has_to_end() {
    const JOBS: usize = 1000;
    const AT_ONCE: NonZeroUsize = NonZeroUsize::new(64).unwrap();
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let limit = Duration::from_secs(1);

    let (registry, started) = (Registry::new(), Arc::new(AtomicUsize::new(0)));
    let spawned = Scope::builder("all")
        .runtime(&runtime)
        .register_in(&registry);
    let outcome = manual.block_on(spawned.timeout(limit).run(async |op: Scope| {
        for _ in 0..JOBS {
            let started = started.clone();
            let job = async move |_: Scope| {
                started.fetch_add(1, SeqCst);
                std::future::pending::<()>().await;
            };
            drop(op.child("job").spawn(job).unwrap());
        }
    }));
    assert!(outcome.cause().unwrap().is_timeout());
    assert_eq!(
        (started.load(SeqCst), registry.statistics().total()),
        (JOBS, JOBS as u64 + 1)
    );

    let (registry, started) = (Registry::new(), AtomicUsize::new(0));
    let batch = Scope::builder("batch")
        .runtime(&runtime)
        .register_in(&registry);
    let outcome = manual.block_on(batch.timeout(limit).run(async |op: Scope| {
        let jobs = stream::iter(0..JOBS);
        let work = op.for_each_concurrent(AT_ONCE, jobs, async |_| {
            started.fetch_add(1, SeqCst);
            std::future::pending::<()>().await;
        });
        work.await
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(
        (started.load(SeqCst), registry.statistics().total()),
        (AT_ONCE.get(), 1)
    );
}
