//! A registry, compared with a concurrent map that a user would maintain by hand.

use crate::scaling::{Growth, series, tens};
use crate::{Goal, Row, compare, each, nanos, once};
use cancelable_core::registry::Filter;
use cancelable_core::{Registry, RuntimeHandle, Scope, Status};
use dashmap::DashMap;
use std::hint::black_box;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Instant;
use uuid::Uuid;

const TIMES: u32 = 20_000;
const LISTED: u32 = 100_000;
const CANCELLED: u32 = 1_000_000;

/// The entry of an operation in the user's own map.
#[derive(Clone)]
struct Info {
    name: String,
    status: Status,
    started: Instant,
    location: &'static Location<'static>,
    token: tokio_util::sync::CancellationToken,
}

type Map = Arc<DashMap<Uuid, Info>>;

impl Info {
    #[track_caller]
    fn new(name: String, token: &tokio_util::sync::CancellationToken) -> Self {
        Self {
            name,
            status: Status::Running,
            started: Instant::now(),
            location: Location::caller(),
            token: token.clone(),
        }
    }
}

/// Why a registered scope takes more than half of a scope and a map.
const SCOPE_NOTE: &str = "the cost of the scope is on both sides, and is most of each. The next row leaves it out. Kept: 32 \
    shards, each a list of chunks of 64 operations. The list frees its memory, and a walk over it is \
    as cheap per operation as an insertion.";

/// The cost of a listing, which reads the state of each operation.
const SELECT_NOTE: &str = "the status of an operation is in its record alone, so each read is a separate access to memory. \
    The statuses of up to 64 operations are read in a row, and the processor fetches them in parallel: \
    5 ns each on a quiet machine, 10 and more if other programs use the memory. Reads one by one, in \
    the order of opening, took twice as long. The map has the status in its own entries, one after the \
    other. A copy of the status in the list would cost each change of a status the lock of its shard.";

/// The cost of a cancel by filter.
const CANCEL_NOTE: &str = "each token stores the cause, which the map's tokens cannot. The cause costs about 60 of 100 \
    cycles. The rest are two reads of each record before its cancel: of the status of all operations, \
    and of the cancel flag of 2,048 operations at a time, so that the cancels find the records in the \
    cache.";

/// The cost of a reader.
const READER_NOTE: &str = "three events are pushed to a queue, and the oldest three are dropped from it. The work never waits \
    for the reader.";

/// Returns the table of registries.
///
/// # Panics
///
/// If no runtime can be started.
#[must_use]
pub fn beside_a_map() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime for the benchmark");
    let handle = runtime.block_on(async { cancelable_tokio::current().expect("it runs on Tokio") });
    let (registry, map) = (Registry::new(), Map::default());
    let mut rows = vec![
        compare(
            "a registered scope that yields once",
            "the scope, and a `DashMap<Uuid, Info>` entered and left",
            Goal::AtMost(0.5),
            || runtime.block_on(scopes(&handle, Some(&registry))),
            || runtime.block_on(scopes_in_map(&handle, &map)),
        )
        .noting(SCOPE_NOTE),
        compare(
            "the listing alone: what registering adds to a scope",
            "what the map adds to it",
            Goal::AtMost(0.5),
            || {
                runtime.block_on(async {
                    scopes(&handle, Some(&registry)).await - scopes(&handle, None).await
                })
            },
            || {
                runtime.block_on(async {
                    scopes_in_map(&handle, &map).await - scopes(&handle, None).await
                })
            },
        ),
        compare(
            "the same on two threads at once",
            "the same with the map",
            Goal::AtMost(0.5),
            || two_threads(&|runtime, handle| runtime.block_on(scopes(handle, Some(&registry)))),
            || two_threads(&|runtime, handle| runtime.block_on(scopes_in_map(handle, &map))),
        )
        .noting(SCOPE_NOTE),
        slow_reader(&runtime, &handle),
    ];
    rows.extend(listing(&handle));
    rows.push(cancelling());
    rows
}

async fn scopes(handle: &RuntimeHandle, registry: Option<&Registry>) -> f64 {
    let start = Instant::now();
    for _ in 0..TIMES {
        let builder = Scope::builder("bench").runtime(handle);
        let builder = match registry {
            Some(registry) => builder.register_in(registry),
            None => builder,
        };
        let scope = builder.build().expect("it is sound");
        black_box(scope.run(|_| tokio::task::yield_now()).await.status());
    }
    nanos(start.elapsed()) / f64::from(TIMES)
}

async fn scopes_in_map(handle: &RuntimeHandle, map: &Map) -> f64 {
    let token = tokio_util::sync::CancellationToken::new();
    let start = Instant::now();
    for _ in 0..TIMES {
        let id = Uuid::new_v4();
        map.insert(id, Info::new("bench".to_owned(), &token));
        let scope = Scope::builder("bench").runtime(handle).build();
        let scope = scope.expect("it is sound");
        black_box(scope.run(|_| tokio::task::yield_now()).await.status());
        map.remove(&id);
    }
    nanos(start.elapsed()) / f64::from(TIMES)
}

fn two_threads(work: &(dyn Fn(&tokio::runtime::Runtime, &RuntimeHandle) -> f64 + Sync)) -> f64 {
    let times = thread::scope(|threads| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .expect("a runtime for the benchmark");
                    let handle = runtime
                        .block_on(async { cancelable_tokio::current().expect("it runs on Tokio") });
                    work(&runtime, &handle)
                })
            })
            .collect();
        let times = workers.into_iter().map(|worker| worker.join());
        times
            .map(|time| time.expect("no thread panics"))
            .sum::<f64>()
    });
    times / 2.0
}

/// A reader that never reads, with a full queue.
#[allow(clippy::print_stdout)] // The tables are what it is for.
fn slow_reader(runtime: &tokio::runtime::Runtime, handle: &RuntimeHandle) -> Row {
    let (read, unread) = (Registry::new(), Registry::new());
    let events = unread.events();
    let row = compare(
        "a registered scope beside a reader that never reads",
        "the same without a reader",
        Goal::AtMost(1.5),
        || runtime.block_on(scopes(handle, Some(&unread))),
        || runtime.block_on(scopes(handle, Some(&read))),
    )
    .noting(READER_NOTE);
    println!(
        "the reader that never reads was told that it missed {}",
        events.missed()
    );
    row
}

fn name(number: u32) -> String {
    format!("job-{number}")
}

/// A listing with a filter that one of ten operations passes.
fn listing(handle: &RuntimeHandle) -> Vec<Row> {
    let registry = Registry::new();
    let map = Map::default();
    let token = tokio_util::sync::CancellationToken::new();
    let scopes: Vec<_> = (0..LISTED)
        .map(|number| {
            map.insert(Uuid::new_v4(), Info::new(name(number), &token));
            Scope::builder(name(number))
                .runtime(handle)
                .register_in(&registry)
                .build()
                .expect("it is sound")
        })
        .collect();
    let filter = Filter::new().status(Status::Pending).name("job-7*");
    let own_filter = |info: &Info| info.status == Status::Running && info.name.starts_with("job-7");
    let list = compare(
        "listing 100,000 with a filter that a ninth passes: snapshots",
        "the same over the map: clones of `Info`",
        Goal::AtMost(1.0),
        || each(3, || drop(black_box(registry.list(&filter)))),
        || {
            each(3, || {
                let found = map.iter().filter(|entry| own_filter(entry.value()));
                let found: Vec<_> = found.map(|entry| entry.value().clone()).collect();
                black_box(
                    found
                        .iter()
                        .map(|info| {
                            info.location.line() as u128 + info.started.elapsed().as_nanos()
                        })
                        .max(),
                );
                drop(black_box(found));
            })
        },
    );
    let none = Filter::new().status(Status::Running);
    let select = compare(
        "listing 100,000 with a filter that none passes",
        "the same over the map",
        Goal::AtMost(1.0),
        || each(3, || drop(black_box(registry.list(&none)))),
        || {
            each(3, || {
                let found = map
                    .iter()
                    .filter(|entry| entry.value().status == Status::Pending);
                drop(black_box(
                    found.map(|entry| entry.value().clone()).collect::<Vec<_>>(),
                ));
            })
        },
    );
    drop(scopes);
    vec![list, select.noting(SELECT_NOTE)]
}

/// Runs one scope to its end, beside this number of open scopes.
pub(crate) fn scopes_by_open() -> Growth {
    const SCOPES: u32 = 1_000;
    let open = |registry: &Registry| {
        let builder = Scope::builder("job").register_in(registry);
        builder.build().expect("it is sound")
    };
    let run = |scope: Scope| {
        let mut run = pin!(scope.run(async |_| ()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_ready());
    };
    let ours = |size: u32| {
        let registry = Registry::builder().history(0).build();
        let kept: Vec<_> = (0..size).map(|_| open(&registry)).collect();
        let time = once(SCOPES, || (0..SCOPES).for_each(|_| run(open(&registry))));
        drop(kept);
        time
    };
    let theirs = |size: u32| {
        let (map, token) = (Map::default(), tokio_util::sync::CancellationToken::new());
        for _ in 0..size {
            map.insert(Uuid::new_v4(), Info::new("job".to_owned(), &token));
        }
        once(SCOPES, || {
            for _ in 0..SCOPES {
                let id = Uuid::new_v4();
                map.insert(id, Info::new("job".to_owned(), &token));
                run(Scope::builder("job").build().expect("it is sound"));
                map.remove(&id);
            }
        })
    };
    let sizes: Vec<_> = std::iter::once(1).chain(tens(1_000_000)).collect();
    Growth {
        name: "scopes-by-open",
        work: "a registered scope, run and ended, beside others that are open",
        over: "open operations",
        series: vec![
            series("cancelable", &sizes, ours),
            series("a scope and a DashMap", &sizes, theirs),
        ],
    }
}

fn cancelling() -> Row {
    compare(
        "cancelling 1,000,000 by a filter",
        "a loop over the map",
        Goal::AtMost(1.0),
        || {
            let registry = Registry::builder().history(0).build();
            let scopes: Vec<_> = (0..CANCELLED)
                .map(|_| {
                    let builder = Scope::builder("job").register_in(&registry);
                    builder.build().expect("it is sound")
                })
                .collect();
            let time = once(CANCELLED, || {
                assert_eq!(registry.cancel_all(&Filter::new()), scopes.len());
            });
            drop(scopes);
            time
        },
        || {
            let map = Map::default();
            for _ in 0..CANCELLED {
                let token = tokio_util::sync::CancellationToken::new();
                map.insert(Uuid::new_v4(), Info::new("job".to_owned(), &token));
            }
            once(CANCELLED, || {
                map.iter().for_each(|entry| entry.value().token.cancel());
            })
        },
    )
    .noting(CANCEL_NOTE)
}
