//! The job that the workers share: the source of files, the output, and the counters.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use cancelable_core::runtime::JoinError;
use cancelable_core::{CancellationToken, Operation, error::Cancelled};
use common::{Left, shown};
use parking_lot::Mutex;

use crate::cli::Options;
use crate::hash::{Hasher, Unhashed};
use crate::line::{is_checkable, push_line};
use crate::opened::{Opened, open};
use crate::output::{Output, Own};
use crate::progress::{Progress, say_files};
use crate::survey::survey;
use crate::tally::Tally;
use crate::walk::{Found, Walk};

/// The shared state of the workers.
///
/// Each worker takes the next entry directly from the walk. There is no queue between the walk and
/// the workers that could grow, and a large file keeps only one worker busy.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) options: Options,
    pub(crate) progress: Progress,
    /// Its progress counts hashed bytes, with those of unfinished files.
    operation: Operation,
    pub(crate) tally: Tally,
    walk: Mutex<Walk>,
    output: Output,
    output_error: OnceLock<String>,
    /// The file that has the lines, if the requested file is unchanged.
    lines_left_at: OnceLock<PathBuf>,
    output_seen: AtomicBool,
    /// No files are left to take, so a large file may use all processors.
    spread: AtomicBool,
}

impl Job {
    /// Opens the output and walks nothing yet. Progress is reported to `operation`.
    pub(crate) fn new(options: Options, operation: &Operation) -> io::Result<Self> {
        let progress = Progress::new(options.quiet);
        let output = match &options.output {
            Some(path) => Output::to_file(path, &progress).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", shown(path)))
            })?,
            None if options.json => Output::nowhere(),
            None => Output::to_stdout(&progress)?,
        };
        let root = fs::metadata(&options.path);
        if root.is_ok_and(|root| output.own().would_spoil(&root, &options.path)) {
            let name = shown(&options.path);
            return Err(io::Error::other(format!(
                "{name}: it is the output as well"
            )));
        }
        Ok(Self {
            walk: Mutex::new(Walk::new(&options.path, options.follow)),
            options,
            progress,
            operation: operation.clone(),
            tally: Tally::default(),
            output,
            output_error: OnceLock::new(),
            lines_left_at: OnceLock::new(),
            output_seen: AtomicBool::new(false),
            spread: AtomicBool::new(false),
        })
    }

    /// Hashes files until none is left. Many threads call this at once.
    ///
    /// # Errors
    ///
    /// The token was cancelled before this thread had seen the end.
    pub(crate) fn work(&self, token: &CancellationToken) -> Result<(), Cancelled> {
        let mut hasher = Hasher::new(self.options.algorithm, &self.spread);
        loop {
            token.check()?;
            // The lock is held for this statement only.
            let Some(found) = self.walk.lock().next() else {
                // The workers that still run have the remaining files, and may use the processor of
                // this thread.
                self.spread
                    .store(self.options.uses_all_processors(), Relaxed);
                return Ok(());
            };
            match found {
                Found::File(entry) => {
                    let follow = self.options.follow || entry.is_root();
                    self.settle(&entry.into_path(), follow, &mut hasher, token);
                }
                Found::Special(path, kind) => self.skip(&path, kind),
                Found::Unreadable(path, error) => self.fail(&path, &error),
                Found::Link => {
                    self.tally.links.fetch_add(1, Relaxed);
                }
                Found::Directory => {}
            }
        }
    }

    /// Counts the tree ahead of the workers.
    pub(crate) fn survey(&self, token: &CancellationToken) {
        let Options { path, follow, .. } = &self.options;
        survey(path, *follow, self.output.own(), &self.tally, token);
        if self.tally.counted_all.load(Relaxed) {
            let total = self.tally.counted_bytes.load(Relaxed);
            self.operation.progress().set_total(total);
        }
    }

    /// Reports the number of finished files.
    pub(crate) fn say_files(&self) {
        say_files(&self.tally, &self.operation);
    }

    /// Reports and shows the progress.
    pub(crate) fn show(&self) {
        self.say_files();
        self.progress.show(&self.tally, &self.operation);
    }

    /// Writes the buffered lines. A failure stops the job.
    pub(crate) fn flush(&self, token: &CancellationToken) {
        self.written(self.output.flush(), token);
    }

    /// Notes that a thread of the job panicked. The other threads do its share of the work.
    pub(crate) fn lose(&self, error: &JoinError) {
        self.fail(Path::new("a worker"), &io::Error::other(error.to_string()));
    }

    /// Returns the error of the output, if there is one.
    pub(crate) fn output_error(&self) -> Option<&str> {
        self.output_error.get().map(String::as_str)
    }

    /// Ends the output of a complete or a stopped run. If nothing could be hashed, for example
    /// because the requested path does not exist, the output file stays unchanged.
    pub(crate) fn finish(&self, has_completed: bool) {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        let has_nothing = count(&self.tally.done) == 0 && count(&self.tally.failed) > 0;
        let is_whole = has_completed && !has_nothing && self.output_error().is_none();
        let opened = match has_completed {
            true => self.output.open(),
            false => Ok(()),
        };
        match opened.and_then(|()| self.output.finish(is_whole)) {
            Ok(Some(Left::At(path))) => drop(self.lines_left_at.set(path)),
            Ok(Some(Left::InPlace) | None) => {}
            Err(error) => drop(self.output_failed(&error)),
        }
    }

    /// Returns whether the lines go to a file that replaces another at the end.
    pub(crate) fn writes_a_file(&self) -> bool {
        matches!(self.output.own(), Own::File(_))
    }

    /// Notes that the output hangs and was not awaited.
    pub(crate) fn give_up(&self) {
        let error = io::Error::other("it hangs, and is not where it was to be");
        self.output_failed(&error);
    }

    /// Returns the file that has the lines, if the requested file is unchanged.
    pub(crate) fn lines_left_at(&self) -> Option<&Path> {
        self.lines_left_at.get().map(PathBuf::as_path)
    }

    /// Hashes a regular file. Writes its line, or notes the reason of a failure.
    fn settle(
        &self,
        path: &Path,
        follow: bool,
        hasher: &mut Hasher<'_>,
        token: &CancellationToken,
    ) {
        let algorithm = self.options.algorithm;
        match open(path, follow, self.output.own()) {
            Ok(Opened::File(file, length)) => {
                let progress = self.operation.progress();
                let count = |bytes| progress.advance(bytes);
                match hasher.hash_file(&file, length, token, count) {
                    Ok((digest, length)) => {
                        if !is_checkable(algorithm, path) {
                            let name = shown(path);
                            self.note(&format!(
                                "{name}: b3sum cannot check a name that is not UTF-8"
                            ));
                        }
                        let written = self
                            .output
                            .push(|lines| push_line(lines, algorithm, &digest, path));
                        self.written(written, token);
                        self.tally.done.fetch_add(1, Relaxed);
                        self.tally.done_bytes.fetch_add(length, Relaxed);
                    }
                    // Not finished: the file counts as left.
                    Err(Unhashed::Cancelled) => return,
                    Err(Unhashed::Unreadable(error)) => self.fail(path, &error),
                }
            }
            Ok(Opened::Special(kind)) => self.skip(path, kind),
            Ok(Opened::Output) => {
                // The survey has skipped it as well.
                if !self.output_seen.swap(true, Relaxed) {
                    let name = shown(self.output.name());
                    self.note(&format!("{name}: skipped, it is the output"));
                }
                return;
            }
            Err(error) => self.fail(path, &error),
        }
        self.tally.settled.fetch_add(1, Relaxed);
    }

    /// Skips an entry that is no regular file. A path that was requested by its name is a failure.
    fn skip(&self, path: &Path, kind: &str) {
        if path == self.options.path {
            return self.fail(path, &io::Error::other(format!("it is {kind}")));
        }
        self.tally.special.fetch_add(1, Relaxed);
        self.note(&format!("{}: skipped, it is {kind}", shown(path)));
    }

    /// Prints errors even if notes are not wanted.
    fn fail(&self, path: &Path, error: &io::Error) {
        let message = self.tally.fail(path, error);
        self.progress.note(&message);
    }

    fn note(&self, text: &str) {
        if !self.options.quiet {
            self.progress.note(text);
        }
    }

    fn written(&self, result: io::Result<()>, token: &CancellationToken) {
        let Err(error) = result else { return };
        if let Some(text) = self.output_failed(&error) {
            token.cancel_with(text);
        }
    }

    /// Notes the failure of the output; `None` if the output has failed before.
    fn output_failed(&self, error: &io::Error) -> Option<String> {
        let text = format!("{}: {error}", shown(self.output.name()));
        self.output_error.set(text.clone()).ok().map(|()| text)
    }
}
