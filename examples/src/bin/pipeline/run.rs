//! The job: the stages in their order, from the input to the checkpoint.

use std::convert::Infallible;
use std::fs;
use std::future::pending;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use cancelable_core::Scope;
use cancelable_core::stream::CancellableStream;
use common::{Destination, Identity, shown};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use parking_lot::Mutex;

use crate::batches::{Pace, Source, batches};
use crate::checkpoint::Checkpoint;
use crate::cli::Options;
use crate::failure::Failure;
use crate::lines::{Batch, Lines};
use crate::progress::Progress;
use crate::sink::Sink;
use crate::stage::{Done, Stage};
use crate::target;

/// The time that finished work waits for more work to be written with.
const SPAN: Duration = Duration::from_millis(100);
/// The time after which a user who has requested a stop sees the reason of the wait.
const PATIENCE: Duration = Duration::from_millis(500);
/// The number of rejected lines that are named; further lines are only counted.
const MOST_NAMED: u64 = 100;

/// The job and its progress.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) progress: Progress,
    stage: Stage,
    jobs: usize,
    chunk: NonZeroUsize,
    /// Taken at the start of the work.
    source: Mutex<Option<Source>>,
    sink: Arc<Mutex<Sink>>,
    /// The length of the input, if it is a file.
    pub(crate) length: Option<u64>,
    /// True if the next run can resume from the last checkpoint.
    is_resumable: AtomicBool,
    /// The checkpoint at the start.
    pub(crate) before: Checkpoint,
    /// The last checkpoint. Stored here too, since the sink may hang in a write.
    reached: Mutex<Checkpoint>,
    is_complete: AtomicBool,
    named: Mutex<u64>,
}

impl Job {
    /// Opens the input and the outputs. No line is read yet.
    pub(crate) fn open(options: &Options, progress: Progress) -> Result<Self, Failure> {
        let path = options.input_path();
        let name = path.map_or_else(|| "standard input".into(), ToOwned::to_owned);
        let (input, metadata) = target::input(path).map_err(Failure::file(&name))?;
        let input_is = Identity::of(&metadata, path);
        check_files(options, input_is)?;
        let sink = Sink::open(options)?;
        let before = sink.checkpoint().clone();
        let resume_at = sink
            .path()
            .map(|path| (path.to_owned(), before.input.clone()));
        let source = Source {
            lines: Lines::new(input, name, options.max_line.get(), options.batch()),
            resume_at: resume_at.filter(|(_, mark)| mark.offset > 0),
            pace: options.rate.map(Pace::new),
        };
        Ok(Self {
            progress,
            stage: Stage::of(options),
            jobs: options.jobs(),
            chunk: options.chunk(),
            source: Mutex::new(Some(source)),
            length: metadata.is_file().then_some(metadata.len()),
            is_resumable: AtomicBool::new(sink.is_resumable()),
            reached: Mutex::new(before.clone()),
            before,
            sink: Arc::new(Mutex::new(sink)),
            is_complete: AtomicBool::new(false),
            named: Mutex::new(0),
        })
    }

    /// Runs the job until the input ends or the scope is cancelled. In both cases the finished work
    /// is written before this completes; the grace period of the scope is for that.
    ///
    /// # Errors
    ///
    /// The input or an output failed, or the input differs from that of the checkpoint.
    pub(crate) async fn work(&self, op: &Scope) -> Result<(), Failure> {
        let Some((source, runtime)) = self.source.lock().take().zip(op.runtime()) else {
            return Ok(());
        };
        self.progress.begin(op, &self.before, self.length);
        let _shown = self.progress.follow(op)?;

        let work = async |batch: Result<Batch, Failure>| self.stage.work(op, batch?).await;
        // No later stage checks for a cancel, so the end of this stream is the end of their input.
        let results = batches(source, runtime.clone())
            .map(work)
            .buffered(self.jobs);
        // Work that runs at a cancel is left to the next run; work that is done by then is the last
        // chunk.
        let chunks = op
            .stream(results)
            .try_chunks_within(self.chunk, SPAN, runtime);
        let mut chunks = pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            self.commit(op, chunk?).await?;
        }
        if chunks.cancellation().is_none() {
            self.write(op, Sink::complete).await?;
            self.is_complete.store(true, Relaxed);
        }
        Ok(())
    }

    /// Returns the last checkpoint.
    pub(crate) fn reached(&self) -> Checkpoint {
        self.reached.lock().clone()
    }

    /// Returns whether the next run can resume from the last checkpoint.
    pub(crate) fn is_resumable(&self) -> bool {
        self.is_resumable.load(Relaxed)
    }

    /// Returns whether all input was processed.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete.load(Relaxed)
    }

    async fn commit(&self, op: &Scope, chunk: Vec<Done>) -> Result<(), Failure> {
        let notes: Vec<_> = chunk.iter().flat_map(|done| done.notes.clone()).collect();
        self.write(op, move |sink| sink.commit(&chunk)).await?;
        for note in notes {
            self.name(&note);
        }
        Ok(())
    }

    /// Writes on a thread that may block. If this future is dropped at the end of the grace period, the thread
    /// continues, and any result of it is valid.
    async fn write<W>(&self, op: &Scope, write: W) -> Result<(), Failure>
    where
        W: FnOnce(&mut Sink) -> Result<Checkpoint, Failure> + Send + 'static,
    {
        let Some(runtime) = op.runtime() else {
            return Ok(());
        };
        let sink = Arc::clone(&self.sink);
        let written = runtime.spawn_blocking(move || {
            let mut sink = sink.lock();
            (write(&mut sink), sink.is_resumable())
        });
        let hanging = async {
            op.cancelled().await;
            runtime.sleep(PATIENCE).await;
            self.progress
                .note("waiting for a write that hangs; the next signal does not wait");
            pending::<Infallible>().await
        };
        let written = match select(written, pin!(hanging)).await {
            Either::Left((written, _)) => written,
            Either::Right((never, _)) => match never {},
        };
        let (written, is_resumable) = written.map_err(Failure::other)?;
        self.is_resumable.store(is_resumable, Relaxed);
        let checkpoint = written?;
        self.progress.note_checkpoint(op, &checkpoint);
        *self.reached.lock() = checkpoint;
        Ok(())
    }

    /// Prints why a line was rejected, unless that was printed for many lines.
    fn name(&self, note: &str) {
        let mut named = self.named.lock();
        *named += 1;
        match *named {
            count if count < MOST_NAMED => self.progress.note(note),
            MOST_NAMED => self
                .progress
                .note(&format!("{note} (the last one that is named)")),
            _ => {}
        }
    }
}

/// Checks that no output file is the input or another output, by any of its names.
fn check_files(options: &Options, input: Option<Identity>) -> Result<(), Failure> {
    let mut taken: Vec<(&str, Option<Identity>, Option<PathBuf>)> = vec![("input", input, None)];
    let checkpoint = options.output.as_deref().map(Checkpoint::path);
    for (word, path) in [
        ("output", options.output.as_deref()),
        ("rejects", options.rejects.as_deref()),
        ("checkpoint", checkpoint.as_deref()),
    ] {
        let Some(path) = path else { continue };
        let metadata = fs::metadata(path).ok();
        let identity = metadata
            .as_ref()
            .and_then(|file| Identity::of(file, Some(path)));
        // A file that does not exist yet is known by its name only.
        let place = match Destination::of(path) {
            Ok(Destination::File(place)) => Some(place),
            Ok(Destination::Special(_)) | Err(_) => None,
        };
        let is_same = |other: &&(&str, Option<Identity>, Option<PathBuf>)| {
            (other.1.is_some() && other.1 == identity) || (other.2.is_some() && other.2 == place)
        };
        if let Some((other, ..)) = taken.iter().find(is_same) {
            let name = shown(path);
            return Err(Failure::Files(match *other {
                "input" => format!("{name} is the input"),
                other => format!("{name}: the {other} and the {word} are one file"),
            }));
        }
        taken.push((word, identity, place));
    }
    Ok(())
}
