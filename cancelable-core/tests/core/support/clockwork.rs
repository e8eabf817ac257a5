//! A runtime that a test controls: it keeps its tasks, and a reading of its clock runs the test's code.

use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::testing::ManualRuntime;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

type Act = Box<dyn FnOnce() + Send>;

/// A runtime that keeps its tasks for the test, and whose clock is code of the test too.
#[derive(Clone)]
pub(crate) struct Clockwork {
    now: Instant,
    pub(crate) tasks: Arc<Mutex<Vec<Task>>>,
    pub(crate) at_next_look: Arc<Mutex<Option<Act>>>,
}

impl Clockwork {
    pub(crate) fn new() -> Self {
        Self {
            now: ManualRuntime::new().now(),
            tasks: Arc::default(),
            at_next_look: Arc::default(),
        }
    }
}

impl RuntimeAdapter for Clockwork {
    fn name(&self) -> &'static str {
        "clockwork"
    }

    fn now(&self) -> Instant {
        let act = self.at_next_look.lock().take();
        if let Some(act) = act {
            act();
        }
        self.now
    }

    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        panic!("nothing here sleeps")
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.tasks.lock().push(task);
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}
