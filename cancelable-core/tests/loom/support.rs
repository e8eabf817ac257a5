//! Helpers that the models of several rooms share.

use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{CancellationToken, Outcome, RuntimeHandle, Scope};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// A counter of wakes. Without loom's atomics: the counter observes the model and takes no part in it.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Every model of three threads with this bound ends in seconds; two threads are explored in full.
pub(crate) fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Polls a wait on `token` once. Returns the result, the wait, which a cancel must not forget, and its wakes.
pub(crate) fn wait_on(
    token: CancellationToken,
) -> (Poll<()>, WaitForCancellationFutureOwned, Arc<Wakes>) {
    let wakes = Arc::new(Wakes::default());
    let mut future = token.cancelled_owned();
    let polled = poll(&mut future, &Waker::from(wakes.clone()));
    (polled, future, wakes)
}

/// R14: a waiter that went to sleep was woken by the time `cancel` has returned.
pub(crate) fn never_lost(
    (polled, mut future, wakes): (Poll<()>, impl Future<Output = ()> + Unpin, Arc<Wakes>),
) {
    assert!(
        polled.is_ready() || wakes.count() == 1,
        "a waiter sleeps through a cancel"
    );
    assert!(poll(&mut future, Waker::noop()).is_ready());
}

/// A root, and a parent below it. The first slot of the root's list is vacant, and the parent has another.
pub(crate) fn with_a_vacant_slot() -> (CancellationToken, CancellationToken) {
    let root = CancellationToken::new();
    let first = wait_on(root.child_token());
    let parent = root.child_token();
    drop(parent.child_token());
    drop(first);
    (root, parent)
}

pub(crate) type Wait = (Poll<()>, WaitForCancellationFutureOwned, Arc<Wakes>);

/// An operation without a runtime. The model ends the operation by dropping it: a run keeps the current operation in a
/// thread-local, which all threads of a model share.
pub(crate) fn operation(name: &'static str) -> Scope {
    Scope::builder(name).build().expect("it is sound")
}

/// A runtime whose tasks the model polls and whose clock the model moves.
pub(crate) struct TaskQueue {
    tasks: Mutex<Vec<Task>>,
    pub(crate) now: Mutex<Instant>,
}

impl TaskQueue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            tasks: Mutex::default(),
            now: Mutex::new(Instant::now()),
        })
    }

    pub(crate) fn handle(self: &Arc<Self>) -> RuntimeHandle {
        RuntimeHandle::new(TaskQueueRuntime(self.clone()))
    }

    pub(crate) fn take(&self) -> Option<Task> {
        self.tasks.lock().unwrap().pop()
    }
}

pub(crate) struct TaskQueueRuntime(Arc<TaskQueue>);

impl RuntimeAdapter for TaskQueueRuntime {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn now(&self) -> Instant {
        *self.0.now.lock().unwrap()
    }

    fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(SilentTimer)
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.0.tasks.lock().unwrap().push(task);
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

/// A timer that wakes no task: the model polls after it moves the time.
pub(crate) struct SilentTimer;

impl Future for SilentTimer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Timer for SilentTimer {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

/// An event whose waits are ready once it is set, and wake no task: the model polls them after that.
#[derive(Clone, Default)]
pub(crate) struct ManualEvent(Arc<AtomicBool>);

impl ManualEvent {
    pub(crate) fn set(&self) {
        self.0.store(true, SeqCst);
    }

    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        let event = self.clone();
        poll_fn(move |_| match event.0.load(SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
    }
}

pub(crate) fn scope(queue: &Arc<TaskQueue>) -> Scope {
    Scope::builder("model")
        .detached()
        .runtime(&queue.handle())
        .build()
        .unwrap()
}

/// Polls a run to its end. Nothing else happens meanwhile, so the run must have been woken before each poll: before the
/// first poll, since there were `seen` wakes.
pub(crate) fn finish<R, T>(mut run: Pin<&mut R>, wakes: &Arc<Wakes>, mut seen: usize) -> Outcome<T>
where
    R: Future<Output = Outcome<T>> + ?Sized,
{
    let waker = Waker::from(wakes.clone());
    loop {
        let now = wakes.count();
        assert!(now > seen, "the run sleeps for ever");
        seen = now;
        if let Poll::Ready(outcome) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
    }
}

/// Returns the outcome of a poll that ran during other threads, or of later polls; see [`finish`].
pub(crate) fn finish_after<R, T>(
    early: Poll<Outcome<T>>,
    run: Pin<&mut R>,
    wakes: &Arc<Wakes>,
    seen: usize,
) -> Outcome<T>
where
    R: Future<Output = Outcome<T>> + ?Sized,
{
    match early {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => finish(run, wakes, seen),
    }
}

pub(crate) fn poll_with<F: Future + ?Sized>(
    future: Pin<&mut F>,
    wakes: &Arc<Wakes>,
) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(wakes.clone())))
}

/// A wait that was polled once, with the result and its wakes. The end that it waits for may have come meanwhile.
pub(crate) type Waited<F> = (Poll<<F as Future>::Output>, F, Arc<Wakes>);

pub(crate) fn wait_once<F: Future + Unpin>(mut wait: F) -> Waited<F> {
    let wakes = Arc::new(Wakes::default());
    (poll_with(Pin::new(&mut wait), &wakes), wait, wakes)
}

/// Returns the output of a wait after the end has come. A wait that was pending must have been woken.
pub(crate) fn output_of<F: Future + Unpin>((polled, mut wait, wakes): Waited<F>) -> F::Output {
    if let Poll::Ready(output) = polled {
        return output;
    }
    assert_eq!(wakes.count(), 1, "a wait sleeps through the end");
    match poll_with(Pin::new(&mut wait), &wakes) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the end has come"),
    }
}
