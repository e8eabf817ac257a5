//! A blocking call with a time limit, sources or a watchdog of its own.
//!
//! The work keeps its thread, so a task of the runtime polls the run of the call's scope, with a body that is pending
//! until the thread is done. A cancel can drop neither the work nor that body, so the body has a lease on itself, as a
//! shield does. Everything else (sources, deadline, finalizers, status) is the run's. A call without any of these has
//! no such task; see `blocking_job.rs`.

use super::child_exit::{ChildExit, Shared};
use super::grace_watch::GraceWatch;
use crate::operation::Operation;
use crate::record::leases::LeaseGuard;
use crate::record::{LeaseHolder, Record, token_clock};
use crate::runtime::{JoinError, JoinHandle, RuntimeHandle};
use crate::scope::RunError;
use crate::sync::isolate;
use crate::token::CancellationToken;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The body of the call's run.
pub(super) struct SupervisedCall<W, T, E> {
    record: Arc<Record>,
    runtime: RuntimeHandle,
    /// The job, taken at the first poll.
    job: Option<Job<W, E>>,
    thread: Option<Thread<T>>,
}

/// The job of the thread.
struct Job<W, E> {
    work: W,
    share: fn(E) -> Shared,
    grace: Option<GraceWatch>,
}

/// The thread, and the lease on the body that lasts as long.
struct Thread<T> {
    /// The handle of the thread's task. Its value is `None` if the call was cancelled before the work began.
    done: JoinHandle<Option<Result<T, Shared>>>,
    lease: LeaseGuard,
}

impl<W, T, E> SupervisedCall<W, T, E> {
    pub(super) fn new(
        record: Arc<Record>,
        runtime: RuntimeHandle,
        grace: Option<GraceWatch>,
        work: W,
        share: fn(E) -> Shared,
    ) -> Self {
        Self {
            record,
            runtime,
            job: Some(Job { work, share, grace }),
            thread: None,
        }
    }
}

impl<W, E> Job<W, E> {
    /// Runs the work as the operation of `record`, unless that is cancelled.
    fn run<T>(self, record: &Arc<Record>) -> Option<Result<T, Shared>>
    where
        W: FnOnce(CancellationToken) -> Result<T, E>,
    {
        let Self { work, share, grace } = self;
        let mut slot = None;
        let inside = record.enter_here(&mut slot);
        let result = match Operation::new(Arc::clone(record)).check_quietly() {
            Ok(()) => {
                let token = token_clock::hand_out(record).clone();
                Some(work(token).map_err(share))
            }
            Err(_) => {
                isolate("the drop of a blocking call", || drop(work));
                None
            }
        };
        drop(inside);
        // The thread is done.
        drop(grace);
        result
    }
}

impl<W, T, E> Future for SupervisedCall<W, T, E>
where
    W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: 'static,
{
    type Output = Result<T, CallError>;

    /// Wakes: by the end of the thread, through its join handle. If the work was not run, this stays pending: the
    /// call is cancelled, and the run drops this future in the same poll, since the lease is gone.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(job) = this.job.take() {
            let record = Arc::clone(&this.record);
            let lease = LeaseGuard::open(Arc::clone(&record), LeaseHolder::Body, true, cx);
            let done = this.runtime.spawn_blocking(move || job.run(&record));
            this.thread = Some(Thread { done, lease });
        } else if let Some(thread) = &mut this.thread {
            thread.lease.renew(true, cx);
        }
        let Some(thread) = &mut this.thread else {
            return Poll::Pending;
        };
        let done = ready!(Pin::new(&mut thread.done).poll(cx));
        this.thread = None;
        match done {
            Ok(Some(result)) => Poll::Ready(result.map_err(CallError::Failed)),
            Ok(None) => Poll::Pending,
            Err(error) => match error.into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => Poll::Ready(Err(CallError::Lost(error))),
            },
        }
    }
}

/// Nothing in it is pinned.
impl<W, T, E> Unpin for SupervisedCall<W, T, E> {}

/// The error of the body of a call.
pub(super) enum CallError {
    Failed(Shared),
    /// The runtime has lost the thread.
    Lost(JoinError),
}

impl CallError {
    /// The exit of a call whose run ended so.
    pub(super) fn exit(error: RunError<Self>) -> ChildExit {
        match error {
            RunError::Failed(Self::Lost(error)) => ChildExit::Lost(error),
            error => ChildExit::of(error, |error| match error {
                Self::Failed(error) => error,
                Self::Lost(error) => Arc::new(error),
            }),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Lost(error) => error.fmt(f),
        }
    }
}
