//! A wrapper of the manual runtime that tracks the wakers of its tasks. A waker that is alive after its task has
//! ended was left behind in a token, a timer or a record.

use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Sleep, Task, Timer};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

type Wakers = Arc<Mutex<Vec<Weak<Passing>>>>;

pub(crate) struct Counted {
    handle: RuntimeHandle,
    wakers: Wakers,
}

impl Counted {
    pub(crate) fn over(runtime: &RuntimeHandle) -> Self {
        let wakers = Wakers::default();
        let handle = RuntimeHandle::new(Mechanism {
            runtime: runtime.clone(),
            wakers: wakers.clone(),
        });
        Self { handle, wakers }
    }

    pub(crate) fn handle(&self) -> RuntimeHandle {
        self.handle.clone()
    }

    /// Returns the number of tasks with a live waker.
    pub(crate) fn live_wakers(&self) -> usize {
        let wakers = self.wakers.lock();
        wakers.iter().filter(|one| one.strong_count() > 0).count()
    }
}

struct Mechanism {
    runtime: RuntimeHandle,
    wakers: Wakers,
}

impl RuntimeAdapter for Mechanism {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(Clock(self.runtime.sleep_until(at)))
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        let task = CountedTask {
            task,
            waker: None,
            wakers: self.wakers.clone(),
        };
        self.runtime.spawn(task).detach();
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        self.runtime.spawn_blocking(job).detach();
        Ok(())
    }

    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        self.runtime.spawn_probe(job).detach();
        Ok(())
    }
}

struct Clock(Sleep);

impl Future for Clock {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Timer for Clock {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.0.reset(at);
    }
}

/// The waker of a task, around the waker of the runtime.
struct Passing(Waker);

impl Wake for Passing {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
    }
}

struct CountedTask {
    task: Task,
    /// Made at the first poll; the manual runtime polls a task with one waker.
    waker: Option<Waker>,
    wakers: Wakers,
}

impl Future for CountedTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = this.waker.get_or_insert_with(|| {
            let passing = Arc::new(Passing(cx.waker().clone()));
            let mut wakers = this.wakers.lock();
            wakers.push(Arc::downgrade(&passing));
            Waker::from(passing)
        });
        this.task.as_mut().poll(&mut Context::from_waker(waker))
    }
}
