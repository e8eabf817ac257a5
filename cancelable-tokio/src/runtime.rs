//! Tokio as a runtime of the core.

use crate::clock;
use crate::timer::TokioTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{
    DetachedThreads, Job, NoRuntime, Refused, RuntimeAdapter, Task, Timer,
};
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Returns the runtime of this thread.
///
/// A limit holds on every Tokio runtime. If Tokio refuses a timer, because the runtime was built without
/// time or was shut down, a thread of the process keeps the time instead, and one line of the log reports it.
///
/// # Errors
///
/// The thread runs neither a task of a runtime nor blocking work of one, and is not inside
/// [`block_on`](crate::block_on).
///
/// # Examples
///
/// ```
/// use cancelable_tokio as rt;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let runtime = rt::current()?;
///     runtime.sleep(Duration::from_millis(1)).await;
/// #   Ok(())
/// })
/// # }
/// ```
pub fn current() -> Result<RuntimeHandle, NoRuntime> {
    let handle = Handle::try_current().map_err(|_| NoRuntime::new("tokio"))?;
    Ok(RuntimeHandle::new(Adapter::new(handle)))
}

pub(crate) struct Adapter {
    shared: Arc<Shared>,
}

impl Adapter {
    pub(crate) fn new(handle: Handle) -> Self {
        let lost_time = AtomicBool::new(false);
        Self {
            shared: Arc::new(Shared { handle, lost_time }),
        }
    }
}

/// The state that a runtime shares with its timers.
pub(crate) struct Shared {
    handle: Handle,
    /// True once Tokio has refused a timer. Tokio then refuses all later timers.
    lost_time: AtomicBool,
}

impl Shared {
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a clock that cannot be paused is the system's"
    )]
    pub(crate) fn now(&self) -> Instant {
        // Without entering the runtime, which costs as much as a read of the clock.
        if !self.can_pause_its_clock() {
            return Instant::now();
        }
        // Inside the runtime: Tokio's clock belongs to a runtime, and the caller may be outside.
        let _inside = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }

    /// Returns whether Tokio has refused a timer.
    ///
    /// Relaxed: Tokio itself refuses the timer of a thread that does not see the store yet.
    pub(crate) fn has_lost_its_time(&self) -> bool {
        self.lost_time.load(Ordering::Relaxed)
    }

    /// Sets the flag that Tokio refuses timers. The first call logs it.
    pub(crate) fn mark_without_timer(&self) {
        // Relaxed: the flag guards only the line of the log.
        if !self.lost_time.swap(true, Ordering::Relaxed) {
            log::warn!(
                target: "cancelable",
                "a Tokio runtime was shut down or was built without `enable_time`, so it has no timers: a \
                 thread keeps the time of its limits"
            );
        }
    }

    /// Returns whether Tokio makes timers now: makes a timer to find out. Used after a panic that a waker may have caused.
    pub(crate) fn keeps_time(&self) -> bool {
        let _inside = self.handle.enter();
        catch_unwind(|| {
            let probe = pin!(tokio::time::sleep(Duration::from_secs(1)));
            let _ = probe.poll(&mut Context::from_waker(Waker::noop()));
        })
        .is_ok()
    }

    /// Returns whether the clock can be paused: only the clock of a single-threaded runtime, and only in some builds.
    fn can_pause_its_clock(&self) -> bool {
        clock::MAY_BE_PAUSED && self.handle.runtime_flavor() != RuntimeFlavor::MultiThread
    }

    /// Returns whether the clock is or was paused, so that it differs from the system's.
    #[allow(
        clippy::disallowed_methods,
        reason = "the comparison is with the system's clock"
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

impl RuntimeAdapter for Adapter {
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

    /// Spawns a task. Never refuses: a runtime that was shut down drops the task, and the join reports the loss.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        // The drop of Tokio's handle detaches the task.
        drop(self.shared.handle.spawn(task));
        Ok(())
    }

    /// Runs a job on a thread for blocking work. Never refuses, as `spawn`.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(self.shared.handle.spawn_blocking(job));
        Ok(())
    }

    /// Runs the probe on a thread that is not Tokio's, because the shutdown of a runtime waits for Tokio's threads.
    /// The thread enters the runtime, as for blocking work. Under a paused clock a probe is blocking work of Tokio,
    /// because only blocking work keeps the clock from advancing.
    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        if self.shared.has_tests_clock() {
            return self.spawn_blocking(job);
        }
        let handle = self.shared.handle.clone();
        let inside = move || {
            let _inside = handle.enter();
            job();
        };
        DetachedThreads::for_probes().run(Box::new(inside))
    }
}
