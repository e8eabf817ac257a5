//! The input as a stream: batches of lines that are read on a blocking thread, at a limited pace.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cancelable_core::RuntimeHandle;
use futures_util::{Stream, stream};

use crate::checkpoint::Mark;
use crate::failure::Failure;
use crate::lines::{Batch, Lines, Unfit};

/// Where the input comes from and how fast.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) lines: Lines,
    /// What was done before, if anything was, as this checkpoint says. It is not made sure yet that
    /// the input is the same.
    pub(crate) resume_at: Option<(PathBuf, Mark)>,
    pub(crate) pace: Option<Pace>,
}

/// No more than so many a second, evenly.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(rate: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / rate.get(),
            next: None,
        }
    }

    /// Completes when the next one may begin.
    async fn turn(&mut self, runtime: &RuntimeHandle) {
        let now = runtime.now();
        let turn = self.next.unwrap_or(now).max(now);
        runtime.sleep_until(turn).await;
        self.next = turn.checked_add(self.interval);
    }
}

/// The batches of `source`. Dropping the stream leaves a thread behind that hangs in a read, if one
/// does; nothing waits for it.
pub(crate) fn batches(
    source: Source,
    runtime: RuntimeHandle,
) -> impl Stream<Item = Result<Batch, Failure>> {
    stream::unfold(Some(source), move |source| {
        let runtime = runtime.clone();
        async move {
            let mut source = source?;
            if let Some(pace) = &mut source.pace {
                pace.turn(&runtime).await;
            }
            let read = runtime.spawn_blocking(move || {
                let batch = source.next_batch();
                (source, batch)
            });
            match read.await {
                Ok((source, Ok(Some(batch)))) => Some((Ok(batch), Some(source))),
                Ok((_, Ok(None))) => None,
                Ok((_, Err(failure))) => Some((Err(failure), None)),
                Err(lost) => Some((Err(Failure::other(lost)), None)),
            }
        }
    })
}

impl Source {
    fn next_batch(&mut self) -> Result<Option<Batch>, Failure> {
        if let Some((checkpoint, mark)) = self.resume_at.take() {
            let resumed = self.lines.resume_at(&mark);
            resumed.map_err(|unfit| match unfit {
                Unfit::Io(error) => Failure::file(&self.lines.name)(error),
                Unfit::Changed(why) => Failure::NotResumable { checkpoint, why },
            })?;
        }
        let batch = self.lines.next_batch();
        batch.map_err(|error| Failure::file(&self.lines.name)(error))
    }
}
