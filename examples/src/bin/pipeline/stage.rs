//! The work on a batch of lines: on a blocking thread that notices a cancel, and with an optional
//! time limit for each record.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use cancelable_core::error::Cancelled;
use cancelable_core::{CancellationToken, Scope};
use serde::Serialize;

use crate::checkpoint::{Counts, Mark};
use crate::cli::Options;
use crate::failure::Failure;
use crate::lines::{Batch, Line};
use crate::record::Recipe;

/// The number of bytes that are shown of a long rejected line.
const SHOWN: usize = 4096;

/// The result of a batch.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// The mark after its last line.
    pub(crate) end: Mark,
    pub(crate) output: Vec<u8>,
    pub(crate) rejects: Vec<u8>,
    pub(crate) counts: Counts,
    /// The rejected lines, for people.
    pub(crate) notes: Vec<String>,
}

/// A line in the file of rejected lines.
#[derive(Debug, Serialize)]
struct Reject<'a> {
    line: u64,
    offset: u64,
    length: u64,
    error: &'a str,
    /// Truncated if it is long, and altered if it is not UTF-8; the position finds the original in
    /// the input.
    text: &'a str,
}

/// The stage that transforms batches.
#[derive(Debug)]
pub(crate) struct Stage {
    recipe: Arc<Recipe>,
    limit: Option<Duration>,
    max_line: usize,
}

impl Stage {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            recipe: Arc::new(Recipe::of(options)),
            limit: options.record_timeout,
            max_line: options.max_line.get(),
        }
    }

    /// Processes a batch. Does not complete once `op` is cancelled: the stream ends then.
    pub(crate) async fn work(&self, op: &Scope, batch: Batch) -> Result<Done, Failure> {
        let batch = Arc::new(batch);
        match self.limit {
            Some(limit) => self.work_within(op, batch, limit).await,
            None => self.work_without_limit(op, batch).await,
        }
    }

    async fn work_without_limit(&self, op: &Scope, batch: Arc<Batch>) -> Result<Done, Failure> {
        if let Ok(work) = op.child("transform").spawn_blocking(self.transform(&batch))
            && let Ok(Ok(done)) = work.await
        {
            return Ok(done);
        }
        // An ancestor was cancelled, or the thread panicked, which stops the run.
        future::pending().await
    }

    /// Processes a batch of one record as an operation of its own. The record is rejected if its
    /// time limit passes.
    async fn work_within(
        &self,
        op: &Scope,
        batch: Arc<Batch>,
        limit: Duration,
    ) -> Result<Done, Failure> {
        let number = batch.lines.first().map_or(0, |line| line.number);
        // A thread that does not stop in time is left behind.
        let record = op.child(format!("line {number}"));
        let record = record.timeout(limit).grace(Duration::ZERO);
        let Ok(record) = record.spawn_blocking(self.transform(&batch)) else {
            return future::pending().await;
        };
        let operation = record.operation().clone();
        if let Ok(Ok(done)) = record.await {
            return Ok(done);
        }
        match operation.cause() {
            Some(cause) if cause.reason().is_timeout() && !cause.is_inherited() => {
                Ok(self.reject_all(&batch, &format!("took longer than {limit:?}")))
            }
            _ => future::pending().await,
        }
    }

    /// The work of a thread on `batch`.
    fn transform(
        &self,
        batch: &Arc<Batch>,
    ) -> impl FnOnce(CancellationToken) -> Result<Done, Cancelled> + Send + use<> {
        let (recipe, batch) = (Arc::clone(&self.recipe), Arc::clone(batch));
        let max_line = self.max_line;
        move |token| transform(&recipe, max_line, &batch, &token)
    }

    fn reject_all(&self, batch: &Batch, why: &str) -> Done {
        let mut done = Done::default();
        for line in &batch.lines {
            done.reject(batch, line, why);
        }
        done.end = batch.end.clone();
        done
    }
}

fn transform(
    recipe: &Recipe,
    max_line: usize,
    batch: &Batch,
    token: &CancellationToken,
) -> Result<Done, Cancelled> {
    let mut done = Done::default();
    for line in &batch.lines {
        token.check()?;
        match batch.text(line) {
            None => done.reject(batch, line, &format!("longer than {max_line} bytes")),
            Some(text) if text.trim_ascii().is_empty() => done.counts.empty += 1,
            Some(text) => match recipe.apply(line.number, text, &mut done.output) {
                Ok(()) => done.counts.written += 1,
                Err(why) => done.reject(batch, line, &why),
            },
        }
    }
    done.end = batch.end.clone();
    Ok(done)
}

impl Done {
    fn reject(&mut self, batch: &Batch, line: &Line, why: &str) {
        let text = batch.text(line).unwrap_or_default();
        let reject = Reject {
            line: line.number,
            offset: line.offset,
            length: line.length,
            error: why,
            text: &String::from_utf8_lossy(&text[..text.len().min(SHOWN)]),
        };
        // JSON of numbers and strings to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.rejects, &reject);
        self.rejects.push(b'\n');
        self.counts.rejected += 1;
        self.notes.push(format!("line {}: {why}", line.number));
    }
}
