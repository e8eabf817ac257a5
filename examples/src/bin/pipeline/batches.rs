//! The input as a stream: batches of lines, read on a blocking thread at a limited rate.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cancelable_core::RuntimeHandle;
use futures_util::{Stream, stream};

use crate::checkpoint::Mark;
use crate::failure::Failure;
use crate::lines::{Batch, Lines, Unfit};

/// The source of the input and its rate.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) lines: Lines,
    /// The earlier work, from this checkpoint, if there is one. The input was not compared with the
    /// checkpoint yet.
    pub(crate) resume_at: Option<(PathBuf, Mark)>,
    pub(crate) pace: Option<Pace>,
}

/// The limit on the delay that is made up for. Timers are slightly late, and an input without data
/// for a while is not read in one burst.
const MADE_UP: Duration = Duration::from_millis(100);

/// An even limit on a rate.
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

    /// Completes when the next item may begin.
    async fn turn(&mut self, runtime: &RuntimeHandle) {
        let now = runtime.now();
        let earliest = now.checked_sub(MADE_UP).unwrap_or(now);
        let turn = self.next.unwrap_or(now).max(earliest);
        if turn > now {
            runtime.sleep_until(turn).await;
        }
        self.next = turn.checked_add(self.interval);
    }
}

/// Returns the batches of `source`. A drop of the stream abandons a thread that hangs in a read.
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

#[cfg(test)]
mod tests {
    use cancelable_core::testing::ManualRuntime;

    use super::*;

    #[test]
    fn a_pace_is_kept_and_a_late_turn_is_made_up_for_in_part() {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap());
        let begin = runtime.now();
        let mut turns = |count: u32| {
            for _ in 0..count {
                manual.block_on(pace.turn(&runtime));
            }
            (runtime.now() - begin).as_millis()
        };
        // The first at once, then one in 10 ms.
        assert_eq!(turns(11), 100);
        manual.advance(Duration::from_secs(60));
        // All batches of the last 100 ms at once, and no others.
        assert_eq!(turns(11), 60_100);
        assert_eq!(turns(1), 60_110);
    }
}
