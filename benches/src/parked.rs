//! Tasks of Tokio that are parked on a token, from the cancel to the wake of the last task.

use crate::{Goal, Row, compare, nanos};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::time::Instant;
use tokio::runtime::Runtime;

const TASKS: u32 = 100_000;

/// Returns the rows of parked tasks.
pub(crate) fn tasks_of_tokio() -> Vec<Row> {
    use cancelable_core::CancellationToken as Ours;
    use tokio_util::sync::CancellationToken as Theirs;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime for the benchmark");
    macro_rules! until_last_woken {
        ($Token:ident, |$root:ident| $token:expr) => {
            || {
                let $root = $Token::new();
                let parked = |last: Last| {
                    let token = $token;
                    async move {
                        last.parked();
                        token.cancelled().await;
                        last.woken();
                    }
                };
                from_cancel_to_last(&runtime, parked, || $root.cancel())
            }
        };
    }
    vec![
        compare(
            "100,000 parked tasks on one token, cancel to last one woken, one",
            "tokio-util",
            Goal::AtMost(0.9),
            until_last_woken!(Ours, |root| root.clone()),
            until_last_woken!(Theirs, |root| root.clone()),
        ),
        compare(
            "the same, with a child token each",
            "tokio-util",
            Goal::AtMost(0.9),
            until_last_woken!(Ours, |root| root.child_token()),
            until_last_woken!(Theirs, |root| root.child_token()),
        )
        .noting("most of the time is Tokio's own waking of the tasks, which is the same on both sides. The \
    contention at Tokio's queue differs from run to run: runs of one program gave 0.83 to 1.01."),
    ]
}

/// Counts the tasks that have arrived.
#[derive(Clone)]
struct Last {
    left: Arc<(AtomicU32, AtomicU32)>,
    done: std::sync::mpsc::Sender<Instant>,
}

impl Last {
    fn parked(&self) {
        if self.left.0.fetch_sub(1, SeqCst) == 1 {
            let _ = self.done.send(Instant::now());
        }
    }

    fn woken(&self) {
        if self.left.1.fetch_sub(1, SeqCst) == 1 {
            let _ = self.done.send(Instant::now());
        }
    }
}

fn from_cancel_to_last<T, F, R>(runtime: &Runtime, task: T, cancel: impl FnOnce() -> R) -> f64
where
    T: Fn(Last) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (done, at) = channel();
    let left = Arc::new((AtomicU32::new(TASKS), AtomicU32::new(TASKS)));
    let last = Last { left, done };
    for _ in 0..TASKS {
        drop(runtime.spawn(task(last.clone())));
    }
    // The last task counts itself just before it parks, and the others did before.
    let _ = at.recv();
    std::thread::yield_now();
    let start = Instant::now();
    cancel();
    match at.recv() {
        Ok(end) => nanos(end - start) / f64::from(TASKS),
        Err(_) => f64::NAN,
    }
}
