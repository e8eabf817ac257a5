//! The job that the workers share: where the files come from, where the lines go, what was counted.

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

/// Everything that the workers have in common.
///
/// Each takes the next entry from the walk itself. There is no queue between the walk and the
/// workers, so none can grow, and a large file keeps one worker busy and nobody else.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) options: Options,
    pub(crate) progress: Progress,
    /// Its progress counts bytes hashed, those of unfinished files included.
    operation: Operation,
    pub(crate) tally: Tally,
    walk: Mutex<Walk>,
    output: Output,
    output_error: OnceLock<String>,
    /// Where the lines are, if the file that they were asked for in is as it was.
    lines_left_at: OnceLock<PathBuf>,
    output_seen: AtomicBool,
    /// No files are left to take, so a large one may have all processors.
    spread: AtomicBool,
}

impl Job {
    /// Opens the output; nothing is walked yet. How far it comes is said of `operation`.
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

    /// Hashes files until there are none. Many threads do so at once.
    ///
    /// # Errors
    ///
    /// The token was cancelled before this thread had seen the end.
    pub(crate) fn work(&self, token: &CancellationToken) -> Result<(), Cancelled> {
        let mut hasher = Hasher::new(self.options.algorithm, &self.spread);
        loop {
            token.check()?;
            // The lock is held for this one statement.
            let Some(found) = self.walk.lock().next() else {
                // Who is still at work has what is left, and this thread's processor to spare.
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

    /// Says how many files are through.
    pub(crate) fn say_files(&self) {
        say_files(&self.tally, &self.operation);
    }

    /// Says and shows how far it has come.
    pub(crate) fn show(&self) {
        self.say_files();
        self.progress.show(&self.tally, &self.operation);
    }

    /// Writes the lines that wait in the buffer. If that fails there is no point in going on.
    pub(crate) fn flush(&self, token: &CancellationToken) {
        self.written(self.output.flush(), token);
    }

    /// A thread of the job ended before its time; the others go on with what it would have done.
    pub(crate) fn lose(&self, error: &JoinError) {
        self.fail(Path::new("a worker"), &io::Error::other(error.to_string()));
    }

    /// Why the lines could not be written, if so.
    pub(crate) fn output_error(&self) -> Option<&str> {
        self.output_error.get().map(String::as_str)
    }

    /// Ends the output of a run that has come to its end, or has not. Where nothing could be hashed of
    /// what was asked for, as there is no such file, the output stays as it was.
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

    /// Whether the lines go to a file that is put in its place at the end.
    pub(crate) fn writes_a_file(&self) -> bool {
        matches!(self.output.own(), Own::File(_))
    }

    /// Notes that the output hangs and was not waited for.
    pub(crate) fn give_up(&self) {
        let error = io::Error::other("it hangs, and is not where it was to be");
        self.output_failed(&error);
    }

    /// Where the lines are, if the file that they were asked for in is as it was.
    pub(crate) fn lines_left_at(&self) -> Option<&Path> {
        self.lines_left_at.get().map(PathBuf::as_path)
    }

    /// One regular file, to its line or to the reason why it has none.
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
                    // Not settled: it is one of those that are left.
                    Err(Unhashed::Cancelled) => return,
                    Err(Unhashed::Unreadable(error)) => self.fail(path, &error),
                }
            }
            Ok(Opened::Special(kind)) => self.skip(path, kind),
            Ok(Opened::Output) => {
                // The survey has left it out as well.
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

    /// What is come upon is left out; what was asked for by its name cannot be.
    fn skip(&self, path: &Path, kind: &str) {
        if path == self.options.path {
            return self.fail(path, &io::Error::other(format!("it is {kind}")));
        }
        self.tally.special.fetch_add(1, Relaxed);
        self.note(&format!("{}: skipped, it is {kind}", shown(path)));
    }

    /// Errors are said even when notes are not wanted.
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

    /// Notes why the output failed; `None` if it has failed before.
    fn output_failed(&self, error: &io::Error) -> Option<String> {
        let text = format!("{}: {error}", shown(self.output.name()));
        self.output_error.set(text.clone()).ok().map(|()| text)
    }
}
