//! The executor of this adapter, and the threads that run its tasks.
//!
//! The executor of `smol::spawn` does not suit: it has one thread by default, and no way to add another thread. A
//! task that blocks that thread until a second task has run would wait forever. Here another thread takes the
//! place of a blocked thread.
//!
//! Only the threads of this module run the executor. A thread in `block_on` does not. The executor wakes one of
//! its threads for a new task. If the future of a `block_on` blocked that thread, the task would wait although
//! other threads are idle.

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

/// Returns the executor with its threads, or `None` if the system had no thread for it.
pub(crate) fn executor() -> Option<&'static Executor<'static>> {
    static STARTED: LazyLock<bool> = LazyLock::new(|| {
        let started = (1..=threads()).filter(|_| work(pending()).is_ok());
        started.count() > 0
    });
    STARTED.then_some(&EXECUTOR)
}

/// Returns the number of threads for tasks: the value of `SMOL_THREADS`, as for smol's own executor, or the number
/// of cores.
fn threads() -> usize {
    let threads: Option<NonZeroUsize> = env::var("SMOL_THREADS")
        .ok()
        .and_then(|text| text.parse().ok());
    threads
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

/// Starts a thread that runs tasks until `end` is ready. No task panics, so nothing else ends the thread.
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

/// A guard of a thread that runs tasks in place of a blocked thread. The drop ends the thread.
pub(crate) struct StandIn {
    _end: DropGuard,
}

impl StandIn {
    /// Starts a thread if the calling thread runs tasks and the system has another thread.
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
