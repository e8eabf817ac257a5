//! Tokio as a runtime of the core.

use crate::clock;
use crate::timer::TokioTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{self, DetachedThreads, Job, NoRuntime, Refused, Task, Timer};
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The runtime that this thread is in.
///
/// # Errors
///
/// There is none: the thread neither runs a task of a runtime, nor blocking work of one, nor is it
/// below [`block_on`](crate::block_on).
pub fn current() -> Result<RuntimeHandle, NoRuntime> {
    Runtime::current().map(RuntimeHandle::new)
}

/// A runtime, as the mechanism that [`RuntimeHandle`] is made of.
///
/// A limit holds on every Tokio runtime. Where Tokio has no timer to give, because the runtime was built
/// without its time or is gone, a thread of the process keeps the time in its place, and the log says so once.
#[derive(Clone, Debug)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl Runtime {
    /// The runtime that this thread is in.
    ///
    /// # Errors
    ///
    /// As for [`current`].
    pub fn current() -> Result<Self, NoRuntime> {
        let handle = Handle::try_current().map_err(|_| NoRuntime::new("tokio"))?;
        let shared = Arc::new(Shared {
            handle,
            lost_time: AtomicBool::new(false),
        });
        Ok(Self { shared })
    }
}

/// What a runtime and its timers share.
#[derive(Debug)]
pub(crate) struct Shared {
    handle: Handle,
    /// Tokio has refused a timer, as it will from then on.
    lost_time: AtomicBool,
}

impl Shared {
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a clock that can't be paused is the system's"
    )]
    pub(crate) fn now(&self) -> Instant {
        // To enter a runtime costs as much as to read the clock.
        if !self.can_pause_its_clock() {
            return Instant::now();
        }
        // Entered because Tokio's clock belongs to a runtime, and this may be called outside it.
        let _inside = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }

    /// Relaxed: a timer that does not see it yet is refused by Tokio itself.
    pub(crate) fn has_lost_its_time(&self) -> bool {
        self.lost_time.load(Ordering::Relaxed)
    }

    /// Remembers that Tokio refuses timers, and says so to the log the first time.
    pub(crate) fn lose_its_time(&self) {
        // Relaxed: it guards nothing but the line of the log.
        if !self.lost_time.swap(true, Ordering::Relaxed) {
            log::warn!(
                target: "cancelable",
                "a Tokio runtime that is gone, or was built without `enable_time`, has no timers: a \
                 thread keeps the time of its limits"
            );
        }
    }

    /// Whether Tokio gives timers now, found out by one. After a panic that may also be a waker's.
    pub(crate) fn keeps_time(&self) -> bool {
        let _inside = self.handle.enter();
        catch_unwind(|| {
            let probe = pin!(tokio::time::sleep(Duration::from_secs(1)));
            let _ = probe.poll(&mut Context::from_waker(Waker::noop()));
        })
        .is_ok()
    }

    /// Tokio lets only a runtime of one thread do that, and only in some builds.
    fn can_pause_its_clock(&self) -> bool {
        clock::MAY_BE_PAUSED && self.handle.runtime_flavor() != RuntimeFlavor::MultiThread
    }

    /// Whether its clock is, or was, paused: it does not read what the system's does.
    #[allow(
        clippy::disallowed_methods,
        reason = "it is the system's clock that is compared with"
    )]
    fn has_tests_clock(&self) -> bool {
        if !self.can_pause_its_clock() {
            return false;
        }
        let before = Instant::now();
        let now = self.now();
        now < before || Instant::now() < now
    }
}

impl runtime::Runtime for Runtime {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn now(&self) -> Instant {
        self.shared.now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        let is_kept = !self.shared.can_pause_its_clock();
        Box::pin(TokioTimer::new(Arc::clone(&self.shared), at, is_kept))
    }

    /// Never refuses: a Tokio runtime that is gone drops the task, which counts as its loss.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        // Tokio's handle is not used, and detaches when it is dropped.
        drop(self.shared.handle.spawn(task));
        Ok(())
    }

    /// As for `spawn`.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(self.shared.handle.spawn_blocking(job));
        Ok(())
    }

    /// On a thread that is not Tokio's, since Tokio waits for its own where a runtime ends; and inside the
    /// runtime, as blocking work is. Under a clock that a test has paused a look is blocking work of
    /// Tokio's all the same: that alone keeps the clock from moving on while the look is under way.
    fn spawn_look(&self, job: Job) -> Result<(), Refused<Job>> {
        if self.shared.has_tests_clock() {
            return self.spawn_blocking(job);
        }
        let handle = self.shared.handle.clone();
        let inside = move || {
            let _inside = handle.enter();
            job();
        };
        DetachedThreads::for_looks().run(Box::new(inside))
    }
}
