//! Runs many registered operations through one registry, with a fixed number alive at a time. Checks that memory
//! stays flat, numbers are unique and counts are exact.
//!
//! `cargo run --release -p benches --bin soak -- [tokio|async-std|smol] [OPERATIONS] [ALIVE]`

#![allow(clippy::print_stdout)] // What it has counted is what it is for.
#![allow(clippy::disallowed_methods)] // It tells how long it took.

use cancelable_core::registry::Filter;
use cancelable_core::{Registry, RuntimeHandle, Scope, Status};
use futures_util::future::join_all;
use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

/// The numbers that were seen, one bit for each.
struct Seen {
    first: u64,
    done: AtomicU64,
    bits: Vec<AtomicU64>,
}

impl Seen {
    /// Returns true for a new number. Numbers beyond the bits are not checked.
    fn note(&self, number: u64) -> bool {
        let at = number - self.first;
        let bit = 1 << (at % 64);
        let place = usize::try_from(at / 64).expect("an index fits");
        self.bits[place].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }
}

/// Returns the kilobytes of this process in memory; `None` where the system does not report them.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn report(moment: &str, registry: &Registry) {
    let memory = resident().map_or("unknown".into(), |kilobytes| format!("{kilobytes} kB"));
    let statistics = registry.statistics();
    let ended = statistics.total() - statistics.open();
    let open = statistics.open();
    println!("{moment}: {memory} resident, {ended} operations ended, {open} open");
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn soak(runtime: RuntimeHandle, operations: u64, alive: u64) -> bool {
    let registry = Registry::new();
    let first = Scope::builder("first").build().expect("it is sound");
    let rounds = operations / alive;
    let seen = Arc::new(Seen {
        first: first.id().get(),
        done: AtomicU64::new(0),
        bits: (0..=operations / 64 + 1)
            .map(|_| AtomicU64::new(0))
            .collect(),
    });
    drop(first);
    let start = Instant::now();
    report("at the start", &registry);
    let workers = (0..alive).map(|_| {
        let (handle, registry, seen) = (runtime.clone(), registry.clone(), Arc::clone(&seen));
        runtime.spawn(async move {
            let mut unique = true;
            for _ in 0..rounds {
                let scope = Scope::builder("job")
                    .runtime(&handle)
                    .register_in(&registry);
                let scope = scope.build().expect("it is sound");
                unique &= seen.note(scope.id().get());
                unique &= scope.run(|_| yield_once()).await.is_completed();
                let done = seen.done.fetch_add(1, Ordering::Relaxed) + 1;
                if done % (operations / 5).max(1) == 0 {
                    report("on the way", &registry);
                }
            }
            unique
        })
    });
    let all = join_all(workers.collect::<Vec<_>>()).await;
    report("at the end", &registry);
    let unique = all.into_iter().all(|unique| unique.unwrap_or(false));
    let statistics = registry.statistics();
    let exact = statistics.count(Status::Completed) == rounds * alive
        && statistics.total() == rounds * alive
        && registry.is_empty()
        && registry.history(&Filter::new()).len() == 512;
    let took = start.elapsed();
    println!("numbers unique: {unique}; counts exact: {exact}; {took:.1?}");
    if let Some(durations) = statistics.durations() {
        println!("{durations:?}");
    }
    unique && exact
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let runtime = arguments.next().unwrap_or_else(|| "tokio".into());
    let mut number = |default| {
        arguments
            .next()
            .map_or(Ok(default), |text| text.parse::<u64>())
    };
    let (operations, alive) = (number(10_000_000)?, number(1000)?);
    println!("{operations} operations on {runtime}, {alive} at a time");
    let sound = match &*runtime {
        "tokio" => cancelable_tokio::block_on(async {
            Ok::<_, Box<dyn Error>>(soak(cancelable_tokio::current()?, operations, alive).await)
        }),
        "async-std" => cancelable_async_std::block_on(async {
            Ok(soak(cancelable_async_std::current()?, operations, alive).await)
        }),
        "smol" => cancelable_smol::block_on(async {
            Ok(soak(cancelable_smol::current()?, operations, alive).await)
        }),
        other => Err(format!("{other} is none of tokio, async-std, smol").into()),
    }?;
    match sound {
        true => Ok(()),
        false => Err("numbers or counts are wrong".into()),
    }
}
