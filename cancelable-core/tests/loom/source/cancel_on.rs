//! Callbacks that are deferred to a runtime (R7).

use crate::support::bounded;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::source::cancel_on;
use cancelable_core::{CancellationToken, RuntimeHandle};
use loom::thread;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

/// A runtime whose blocking jobs are run by the model.
#[derive(Clone)]
struct JobQueue(Arc<parking_lot::Mutex<Vec<Job>>>, Instant);

impl RuntimeAdapter for JobQueue {
    fn name(&self) -> &'static str {
        "queue"
    }
    fn now(&self) -> Instant {
        self.1
    }
    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        panic!("no model asks for one")
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        self.0.lock().push(job);
        Ok(())
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "loom has no time, and any will do"
)]
fn r07_callbacks_that_are_left_to_a_runtime_with_unregister_and_another_cancel() {
    bounded(|| {
        let token = CancellationToken::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let [first, second] = [(); 2].map(|()| {
            let runs = runs.clone();
            token.on_cancel(move |_| {
                let _ = runs.fetch_add(1, SeqCst);
            })
        });
        let queue = JobQueue(Arc::default(), Instant::now());
        let unregistrar = thread::spawn(move || first.unregister());
        let canceller = thread::spawn({
            let (token, queue) = (token.clone(), queue.clone());
            move || {
                let is_first = cancel_on(&RuntimeHandle::new(queue.clone()), &token, "there");
                // A runtime may run the job or drop it.
                for job in std::mem::take(&mut *queue.0.lock()) {
                    job();
                }
                is_first
            }
        });
        let here = token.try_cancel();
        assert!(token.is_cancelled());
        let there = canceller.join().unwrap();
        let never = unregistrar.join().unwrap();
        assert!(here ^ there);
        assert_eq!(runs.load(SeqCst), 2 - usize::from(never));
        drop(second);
    });
}
