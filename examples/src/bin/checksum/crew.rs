//! The blocking threads that work on the job, and how long to wait for them.

use std::sync::Arc;
use std::time::Duration;

use cancelable_core::runtime::JoinHandle;
use cancelable_core::{CancellationToken, Cause, RuntimeHandle, error::Cancelled};

use crate::job::Job;

/// After this time a person is told what the wait is for.
const PATIENCE: Duration = Duration::from_millis(500);
/// After this time a thread that hangs in a read or a write is left behind.
const GRACE: Duration = Duration::from_secs(5);

/// The threads that hung in a read or a write and were not waited for.
#[derive(Debug)]
pub(crate) struct LeftBehind {
    pub(crate) threads: usize,
    /// What said not to wait, if not that time was up.
    pub(crate) insisted: Option<Cause>,
}

/// The workers, kept outside of the scope's body: the body is dropped by a cancel, and the workers
/// have to be waited for after that, to keep what they have done.
#[derive(Debug)]
pub(crate) struct Crew {
    runtime: RuntimeHandle,
    job: Arc<Job>,
    workers: Vec<JoinHandle<Result<(), Cancelled>>>,
    /// A worker has noticed a cancel and left files to do.
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

    /// Does the job, and shows how it goes. May be dropped at any point; see [`leave`](Self::leave).
    pub(crate) async fn work(&mut self, token: &CancellationToken) {
        // The survey stops with the workers: what it has not counted by then is of no interest.
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

    /// Completes when all is done and written, and never if a worker stopped before that.
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
            // The workers have noticed the cancel before this task did. What they have done is not
            // all, and to return would say that it is: the scope is about to drop this future.
            std::future::pending::<()>().await;
        }
        self.job.say_files();
        self.flushed(token).await;
    }

    /// Waits, after a cancel, until every worker has noticed it and the lines are written; but not
    /// for a thread that hangs once `insist` is cancelled or time is up.
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
            // There is nothing to be put anywhere, and what hangs may be the write itself.
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

    /// Completes when all workers have ended. Each is forgotten once it has, so that a wait which
    /// is dropped half-way can be begun again.
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

    /// Starts to write what waits in the buffer, unless that is under way: whoever reads the lines
    /// may be slow, and must not keep this task from noticing a cancel.
    fn start_flush(&mut self, token: &CancellationToken) {
        if self.flushing.as_ref().is_none_or(JoinHandle::is_finished) {
            let (job, token) = (Arc::clone(&self.job), token.clone());
            self.flushing = Some(self.runtime.spawn_blocking(move || job.flush(&token)));
        }
    }

    /// Completes when every line is written.
    async fn flushed(&mut self, token: &CancellationToken) {
        // One that is under way may have started before the last line was there.
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

    // A scope takes a body that returns for a body that is done, even when a cancel was asked for.
    // Here the workers hear of the cancel first, and end first.
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
                    // Inside the body's poll, so that the scope cannot see the cancel meanwhile.
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
