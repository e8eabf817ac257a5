//! The report on the work that is done and left, and the reason of a stop: for people on standard
//! error, for machines as JSON.

use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cancelable_core::{Cause, Status};
use common::{Exit, Headline, Why, shown};
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::crew::LeftBehind;
use crate::job::Job;
use crate::tally::{Failure, Left};

/// The report, with the fields of the JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    status: &'static str,
    exit_code: u8,
    #[serde(skip)]
    exit: Exit,
    runtime: &'static str,
    algorithm: String,
    elapsed_seconds: f64,
    bytes_per_second: u64,
    done: Amount,
    left: Amount,
    /// False if the tree was not counted to its end; then at least this much is left.
    left_is_exact: bool,
    failed: u64,
    skipped: Skipped,
    /// The reason of a requested stop, even if the job was done before it.
    cause: Option<Why>,
    output_error: Option<String>,
    /// The file that has the lines, if the requested file is unchanged.
    lines_left_at: Option<String>,
    /// The threads that hung in a read or a write and were abandoned.
    threads_left_behind: usize,
    /// The signal that ended the wait for them.
    insisted: Option<Why>,
    /// The first failures; `failed` counts all.
    failures: Vec<Failure>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Amount {
    files: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Skipped {
    special: u64,
    links: u64,
}

/// The end of the run, from the outcome of the scope.
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) cause: Option<Cause>,
    pub(crate) elapsed: Duration,
    pub(crate) runtime: &'static str,
    pub(crate) left_behind: LeftBehind,
}

impl Report {
    pub(crate) fn new(job: &Job, ending: Ending) -> Self {
        let Ending {
            status,
            cause,
            elapsed,
            runtime,
            left_behind,
        } = ending;
        let tally = &job.tally;
        let completed = status == Status::Completed;
        let left = match completed {
            true => Left {
                files: 0,
                bytes: 0,
                exact: true,
            },
            false => tally.left(),
        };
        let failed = tally.failed.load(Relaxed);
        let output_error = job.output_error();
        // A failure of the output stops the run, and is no external cause.
        let cause = cause.filter(|cause| output_error.is_none() || cause.message() != output_error);
        let status = match output_error {
            Some(_) => Status::Failed,
            None => status,
        };
        let bytes = tally.done_bytes.load(Relaxed);
        let exit = match &cause {
            Some(cause) if !completed => Exit::stopped(cause),
            _ if failed > 0 || output_error.is_some() || !completed => Exit::FAILURE,
            _ => Exit::SUCCESS,
        };
        Self {
            status: status.as_str(),
            exit_code: exit.to_code(),
            exit,
            runtime,
            algorithm: job.options.algorithm.to_string(),
            elapsed_seconds: elapsed.as_secs_f64(),
            bytes_per_second: rate(bytes, elapsed),
            done: Amount {
                files: tally.done.load(Relaxed),
                bytes,
            },
            left: Amount {
                files: left.files,
                bytes: left.bytes,
            },
            left_is_exact: left.exact,
            failed,
            skipped: Skipped {
                special: tally.special.load(Relaxed),
                links: tally.links.load(Relaxed),
            },
            cause: cause.as_ref().map(Why::new),
            output_error: output_error.map(str::to_owned),
            lines_left_at: job
                .lines_left_at()
                .map(|path| path.to_string_lossy().into_owned()),
            threads_left_behind: left_behind.threads,
            insisted: left_behind.insisted.as_ref().map(Why::new),
            failures: tally.failures(),
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns whether the report is printed in spite of `--quiet`.
    pub(crate) fn is_bad(&self) -> bool {
        self.exit_code != 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            elapsed_seconds: elapsed,
            algorithm,
            ..
        } = self;
        let rate = BinaryBytes(self.bytes_per_second);
        let headline = Headline {
            program: "checksum",
            status,
            elapsed: *elapsed,
            error: self.output_error.as_deref(),
            cause: self.cause.as_ref(),
        };
        writeln!(f, "{headline}")?;
        writeln!(f, "  done     {}, {algorithm}, {rate}/s", self.done)?;
        if self.left.files > 0 || !self.left_is_exact {
            let at_least = if self.left_is_exact { "" } else { "at least " };
            writeln!(f, "  left     {at_least}{}", self.left)?;
        }
        if self.failed > 0 {
            writeln!(f, "  failed   {} could not be read", Files(self.failed))?;
        }
        if self.skipped.special > 0 {
            writeln!(
                f,
                "  skipped  {} fifos, sockets or devices",
                HumanCount(self.skipped.special)
            )?;
        }
        if self.skipped.links > 0 {
            writeln!(
                f,
                "  skipped  {} symbolic links",
                HumanCount(self.skipped.links)
            )?;
        }
        if let Some(path) = &self.lines_left_at {
            let path = shown(Path::new(path));
            writeln!(
                f,
                "  output   as it was; the lines of this run are in {path}"
            )?;
        }
        if self.threads_left_behind > 0 {
            let count = self.threads_left_behind;
            write!(f, "  hanging  {count} threads, not waited for")?;
            match &self.insisted {
                Some(why) => writeln!(f, " because of the second signal: {why}")?,
                None => writeln!(f, " any longer")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", Files(self.files), BinaryBytes(self.bytes))
    }
}

/// Returns bytes per second.
fn rate(bytes: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// Returns a number of files, in words.
struct Files(u64);

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} file{}",
            HumanCount(self.0),
            if self.0 == 1 { "" } else { "s" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_needs_no_time_to_have_passed() {
        assert_eq!(rate(10, Duration::ZERO), 10_000_000);
        assert_eq!(rate(u64::MAX, Duration::ZERO), u64::MAX);
    }
}
