//! The executor of this adapter, and the threads that run its tasks.
//!
//! It is not the one behind `smol::spawn`, which has one thread unless told otherwise and offers no
//! way to add another. A task that blocks that thread, waiting for a second task, would wait for
//! ever; here such a task gets a stand-in.
//!
//! Only threads of its own run it, and not those that are in `block_on`. The executor wakes one of
//! those that run it for a new task. If that one is blocked by the future of its `block_on`, the
//! task waits, though other threads are idle.

use async_executor::Executor;
use cancelable_core::CancellationToken;
use cancelable_core::token::DropGuard;
use std::cell::Cell;
use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::{env, io, thread};

static EXECUTOR: Executor<'static> = Executor::new();

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// The executor with its threads, or `None` where the system had not even one for it.
pub(crate) fn executor() -> Option<&'static Executor<'static>> {
    static STARTED: LazyLock<bool> = LazyLock::new(|| {
        let started = (1..=threads()).filter(|_| work(pending()).is_ok());
        started.count() > 0
    });
    STARTED.then_some(&EXECUTOR)
}

/// How many threads run tasks: what `SMOL_THREADS` says, as for smol's own, or one for each core.
fn threads() -> usize {
    let asked: Option<NonZeroUsize> = env::var("SMOL_THREADS")
        .ok()
        .and_then(|text| text.parse().ok());
    asked
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

/// Starts a thread that runs tasks until `end` is ready. A task never panics, so nothing else ends
/// it.
fn work(end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let run = || {
        IS_WORKER.set(true);
        async_io::block_on(EXECUTOR.run(end));
    };
    thread::Builder::new()
        .name("cancelable-smol".into())
        .spawn(run)
        .map(drop)
}

/// A thread that runs tasks in place of one that is blocked, for as long as this lives.
pub(crate) struct StandIn {
    _end: DropGuard,
}

impl StandIn {
    /// Starts one if this thread runs tasks, and the system has a thread left.
    pub(crate) fn if_needed() -> Option<Self> {
        if !IS_WORKER.get() {
            return None;
        }
        let end = CancellationToken::new();
        work(end.clone().cancelled_owned()).ok()?;
        Some(Self {
            _end: end.drop_guard(),
        })
    }
}
