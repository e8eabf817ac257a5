//! The blocking threads of the job, and the wait for their end.

use std::sync::Arc;
use std::time::Duration;

use cancelable_core::runtime::JoinHandle;
use cancelable_core::{CancellationToken, Cause, RuntimeHandle, error::Cancelled};

use crate::job::Job;

/// The time after which the user sees the reason of the wait.
const PATIENCE: Duration = Duration::from_millis(500);
/// The time after which a thread that hangs in a read or a write is abandoned.
const GRACE: Duration = Duration::from_secs(5);

/// The threads that hung in a read or a write and were abandoned.
#[derive(Debug)]
pub(crate) struct LeftBehind {
    pub(crate) threads: usize,
    /// The reason not to wait, if it was not the time limit.
    pub(crate) insisted: Option<Cause>,
}

/// The workers, which live outside of the scope's body: a cancel drops the body, and after that the
/// program waits for the workers, to keep their finished work.
#[derive(Debug)]
pub(crate) struct Crew {
    runtime: RuntimeHandle,
    job: Arc<Job>,
    workers: Vec<JoinHandle<Result<(), Cancelled>>>,
    /// A worker has noticed a cancel and left files undone.
    stopped: bool,
    flushing: Option<JoinHandle<()>>,
}

impl Crew {
    pub(crate) fn new(runtime: RuntimeHandle, job: Arc<Job>) -> Self {
        Self {
            runtime,
            job,
            workers: Vec::new(),
            stopped: false,
            flushing: None,
        }
    }

    /// Runs the job, and shows its progress. May be dropped at any point; see
    /// [`leave`](Self::leave).
    pub(crate) async fn work(&mut self, token: &CancellationToken) {
        // The survey stops with the workers: its count is of no use after them.
        let surveying = token.child_token();
        let _guard = surveying.clone().drop_guard();
        let job = Arc::clone(&self.job);
        self.runtime
            .spawn_blocking(move || job.survey(&surveying))
            .detach();
        self.start(token);
        self.watch(token).await;
    }

    fn start(&mut self, token: &CancellationToken) {
        for _ in 0..self.job.options.jobs() {
            let (job, token) = (Arc::clone(&self.job), token.clone());
            self.workers
                .push(self.runtime.spawn_blocking(move || job.work(&token)));
        }
    }

    /// Completes when everything is done and written, and never if a worker stopped before that.
    async fn watch(&mut self, token: &CancellationToken) {
        let interval = self.job.progress.interval();
        while self
            .runtime
            .clone()
            .timeout(interval, self.joined())
            .await
            .is_err()
        {
            self.job.show();
            self.start_flush(token);
        }
        if self.stopped {
            // The workers have noticed the cancel before this task did. To return would report a
            // complete job: this future stays pending, and the scope is about to drop it.
            std::future::pending::<()>().await;
        }
        self.job.say_files();
        self.flushed(token).await;
    }

    /// Waits, after a cancel, until every worker has noticed it and the lines are written. A thread
    /// that hangs is abandoned after a cancel of `insist` or at the time limit.
    pub(crate) async fn leave(
        &mut self,
        token: &CancellationToken,
        insist: &CancellationToken,
    ) -> LeftBehind {
        let runtime = self.runtime.clone();
        for (limit, last) in [(PATIENCE, false), (GRACE, true)] {
            let ended = async {
                self.joined().await;
                self.flushed(token).await;
            };
            match insist
                .run_until_cancelled(runtime.timeout(limit, ended))
                .await
            {
                Some(Ok(())) => break,
                Some(Err(_)) if last => break,
                Some(Err(_)) => self
                    .job
                    .progress
                    .note("waiting for a read or a write that hangs"),
                None => {
                    return LeftBehind {
                        threads: self.hanging(),
                        insisted: insist.cause(),
                    };
                }
            }
        }
        LeftBehind {
            threads: self.hanging(),
            insisted: None,
        }
    }

    /// Ends the output, unless that hangs.
    pub(crate) async fn finish(&self, has_completed: bool) {
        if self.hanging() > 0 && !self.job.writes_a_file() {
            // There is no output to complete, and the write itself may hang.
            return;
        }
        let job = Arc::clone(&self.job);
        let finishing = self
            .runtime
            .spawn_blocking(move || job.finish(has_completed));
        match self.runtime.timeout(GRACE, finishing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.job.lose(&error),
            Err(_) => self.job.give_up(),
        }
    }

    fn hanging(&self) -> usize {
        let workers = self
            .workers
            .iter()
            .filter(|worker| !worker.is_finished())
            .count();
        let flushing = self
            .flushing
            .iter()
            .filter(|flushing| !flushing.is_finished())
            .count();
        workers + flushing
    }

    /// Completes when all workers have ended. Each is removed when it ends, so that a wait that is
    /// dropped can be repeated.
    async fn joined(&mut self) {
        while let Some(worker) = self.workers.last_mut() {
            let ended = worker.await;
            self.workers.pop();
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.stopped = true,
                Err(error) => self.job.lose(&error),
            }
        }
    }

    /// Starts a write of the buffered lines, unless one is running. The reader of the lines may be
    /// slow, and must not keep this task from noticing a cancel.
    fn start_flush(&mut self, token: &CancellationToken) {
        if self.flushing.as_ref().is_none_or(JoinHandle::is_finished) {
            let (job, token) = (Arc::clone(&self.job), token.clone());
            self.flushing = Some(self.runtime.spawn_blocking(move || job.flush(&token)));
        }
    }

    /// Completes when every line is written.
    async fn flushed(&mut self, token: &CancellationToken) {
        // A running write may have started before the last line was there.
        self.flush_ended().await;
        self.start_flush(token);
        self.flush_ended().await;
    }

    async fn flush_ended(&mut self) {
        if let Some(flushing) = &mut self.flushing {
            if let Err(error) = flushing.await {
                self.job.lose(&error);
            }
            self.flushing = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use cancelable_core::Scope;
    use clap::Parser;

    use super::*;
    use crate::cli::Options;

    fn crew(runtime: &RuntimeHandle, scope: &Scope, args: &[&str]) -> Crew {
        let options = Options::parse_from([&["checksum", "--json", "-q"], args].concat());
        Crew::new(runtime.clone(), Arc::new(Job::new(options, scope).unwrap()))
    }

    // A scope takes a body that returns as complete, even after a request to cancel. Here the
    // workers notice the cancel first, and end first.
    #[test]
    fn workers_that_stopped_early_are_not_work_that_is_done() {
        rt::block_on(async {
            let runtime = rt::current().unwrap();
            let scope = Scope::builder("stopped").build().unwrap();
            let mut crew = crew(&runtime, &scope, &["-j", "2", "."]);
            let outcome = scope
                .run(async |scope| {
                    scope.cancel();
                    crew.start(scope.token());
                    // Inside the poll of the body, so that the scope cannot notice the cancel
                    // meanwhile.
                    while crew.hanging() > 0 {
                        std::thread::yield_now();
                    }
                    crew.watch(scope.token()).await;
                })
                .await;
            assert!(outcome.is_cancelled(), "{outcome:?}");
            let left = crew.leave(scope.token(), &CancellationToken::new()).await;
            assert_eq!(left.threads, 0);
            assert!(crew.stopped);
        });
    }
}
