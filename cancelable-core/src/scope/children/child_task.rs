//! The task of a child. The run of the child begins when the child has a permit; then the task reports the exit.

use super::child_exit::{ChildExit, ChildGuard};
use super::errors::ChildError;
use crate::runtime::Completion;
use crate::scope::{Outcome, RunError};
use crate::sync::isolate;
use crate::token::WaitForCancellationFutureOwned;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    pub(super) struct ChildTask<R, T, E> {
        // Dropped in this order, also if a runtime drops the task unfinished: the user's future before the report
        // of its end, and the report before the child's entry in the table of its parent.
        #[pin]
        run: Option<R>,
        // The wait for the child's token while the child waits for a permit; `None` once it has begun.
        queue: Option<WaitForCancellationFutureOwned>,
        // Reads the error of the run.
        exit: fn(RunError<E>) -> ChildExit,
        completion: Completion<Result<T, ChildError>>,
        guard: Option<ChildGuard>,
    }
}

impl<R, T, E> ChildTask<R, T, E> {
    pub(super) fn new(
        run: R,
        queue: WaitForCancellationFutureOwned,
        // Reads the error of the run.
        exit: fn(RunError<E>) -> ChildExit,
        completion: Completion<Result<T, ChildError>>,
        guard: ChildGuard,
    ) -> Self {
        Self {
            run: Some(run),
            queue: Some(queue),
            exit,
            completion,
            guard: Some(guard),
        }
    }
}

impl<R, T, E> Future for ChildTask<R, T, E>
where
    R: Future<Output = Outcome<T, E>>,
{
    type Output = ();

    /// Wakes: in the queue by the permit and by the cancel, both polled with this waker; afterwards by the run.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let (Some(run), Some(guard)) = (this.run.as_mut().as_pin_mut(), this.guard.as_mut()) else {
            return Poll::Ready(());
        };
        this.completion.start();
        if let Some(cancelled) = this.queue {
            if guard.poll_begin(cx).is_pending() {
                // A child that is cancelled in the queue polls its run, which does not start the body of a cancelled
                // scope.
                ready!(Pin::new(cancelled).poll(cx));
            }
            *this.queue = None;
        }
        // Unwind safe: after a panic the run is dropped and not polled again. The conversion of the child's error is
        // user code too.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let outcome = run.poll(cx);
            outcome.map(|outcome| {
                let result = outcome.into_result();
                result.map_err(*this.exit)
            })
        }));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(payload) => Err(ChildExit::Panicked(payload)),
        };
        isolate("the drop of a finished child", || this.run.set(None));
        let result = guard.exit(result);
        this.completion.report(Ok(result));
        *this.guard = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Scope;
    use crate::record::blocking_call::BlockingCall;
    use crate::record::{abandon, admission, lifecycle};
    use crate::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
    use crate::sync::{StoredWaker, clock};
    use std::num::NonZeroUsize;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};
    use std::time::{Duration, Instant};

    /// A runtime that runs nothing: neither test starts a task or waits for a time.
    struct Idle;

    impl RuntimeAdapter for Idle {
        fn name(&self) -> &'static str {
            "idle"
        }
        fn now(&self) -> Instant {
            clock::now()
        }
        fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
            unreachable!("no test sets a timer")
        }
        fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
            Err(Refused::new(task))
        }
        fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
            Err(Refused::new(job))
        }
    }

    #[test]
    fn r25_r26_a_call_that_was_given_up_and_has_ended_stands_for_no_child_that_has_not() {
        let scope = Scope::builder("crawl").build().expect("it is sound");
        let entered = lifecycle::enter(scope.record(), None, StoredWaker::default());
        assert!(entered.is_ok());
        let child = || scope.child("child").build().expect("it is sound");
        let (stubborn, child) = (child(), child());
        let runtime = RuntimeHandle::new(Idle);
        let call = Arc::new(BlockingCall::new(runtime, Some(Duration::ZERO)));
        let call = admission::admit(scope.record(), stubborn.record(), Some(call));
        let admission_of_child = admission::admit(scope.record(), child.record(), None);
        let record = scope.record();
        abandon::abandon_call(record, stubborn.id());
        drop(call.expect("it is open"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(abandon::poll_joined(record, &mut cx).is_pending());
        drop(admission_of_child.expect("it is open"));
        assert!(abandon::poll_joined(record, &mut cx).is_ready());
    }

    /// A waker that reads the state of the scope at the drop of its last clone.
    struct Meddling(Scope);

    impl Wake for Meddling {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Meddling {
        fn drop(&mut self) {
            assert!(self.0.live_children() <= 2);
        }
    }

    #[test]
    fn r09_a_waker_in_the_queue_is_dropped_with_no_lock_held() {
        let scope = Scope::builder("crawl")
            .concurrency(NonZeroUsize::MIN)
            .build()
            .expect("it is sound");
        let entered = lifecycle::enter(scope.record(), None, StoredWaker::default());
        assert!(entered.is_ok());
        let child = || scope.child("child").build().expect("it is sound");
        let (first, second) = (child(), child());
        let admit = |child: &Scope| admission::admit(scope.record(), child.record(), None);
        let (first, second) = (admit(&first), admit(&second));
        let second = second.expect("it is open");
        for _ in 0..2 {
            let waker = Waker::from(Arc::new(Meddling(scope.clone())));
            assert!(
                second
                    .poll_begin(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        drop(second);
        drop(first);
        assert_eq!(scope.live_children(), 0);
    }
}
