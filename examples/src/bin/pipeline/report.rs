//! The report on the work that is done and left, and the reason of a stop: for people on standard
//! error, for machines as JSON.

use std::fmt;
use std::time::Duration;

use cancelable_core::Cause;
use common::{Exit, Headline, Why};
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::checkpoint::Counts;
use crate::cli::Options;
use crate::failure::Failure;
use crate::run::Job;

/// The end of the run, from the outcome of the scope.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) is_complete: bool,
    pub(crate) cause: Option<Cause>,
    pub(crate) elapsed: Duration,
    pub(crate) runtime: &'static str,
    pub(crate) is_write_left: bool,
    pub(crate) failure: Option<Failure>,
}

/// The report, with the fields of the JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    status: &'static str,
    exit_code: u8,
    #[serde(skip)]
    exit: Exit,
    runtime: &'static str,
    elapsed_seconds: f64,
    /// All finished work, of this run and of the runs that it resumed.
    done: Amount,
    /// The work of this run.
    now: Amount,
    left: Option<Left>,
    /// The reason of a requested stop, even if the run was done before it.
    cause: Option<Why>,
    error: Option<String>,
    /// A write hung and was abandoned. If it completes, it is valid.
    is_write_left: bool,
    is_resumable: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Amount {
    lines: u64,
    bytes: u64,
    #[serde(flatten)]
    counts: Counts,
}

/// The work that is left of an input of known length.
#[derive(Clone, Copy, Debug, Serialize)]
struct Left {
    bytes: u64,
    /// An estimate from the average length of earlier lines, of which there must be some.
    about_lines: Option<u64>,
}

impl Report {
    pub(crate) fn new(options: &Options, job: &Job, ending: Ending) -> Self {
        let (before, reached) = (&job.before, job.reached());
        let done = Amount {
            lines: reached.input.lines,
            bytes: reached.input.offset,
            counts: reached.counts,
        };
        let now = Amount {
            lines: done.lines - before.input.lines,
            bytes: done.bytes - before.input.offset,
            counts: Counts {
                written: done.counts.written - before.counts.written,
                rejected: done.counts.rejected - before.counts.rejected,
                empty: done.counts.empty - before.counts.empty,
            },
        };
        let left = job.length.filter(|_| !ending.is_complete).map(|length| {
            let bytes = length.saturating_sub(done.bytes);
            let lines = (u128::from(bytes) * u128::from(done.lines)).checked_div(done.bytes.into());
            Left {
                bytes,
                about_lines: lines.map(|lines| u64::try_from(lines).unwrap_or(u64::MAX)),
            }
        });
        let has_bad = done.counts.rejected > 0 && !options.skip_bad;
        let (status, exit) = match (&ending.failure, &ending.cause) {
            (Some(failure), _) => ("failed", Exit::code(failure.exit_code())),
            (None, _) if ending.is_complete => ("completed", Exit::code(u8::from(has_bad))),
            (None, Some(cause)) => ("stopped", Exit::stopped(cause)),
            (None, None) => ("failed", Exit::FAILURE),
        };
        Self {
            status,
            exit_code: exit.to_code(),
            exit,
            runtime: ending.runtime,
            elapsed_seconds: ending.elapsed.as_secs_f64(),
            done,
            now,
            left,
            cause: ending.cause.as_ref().map(Why::new),
            error: ending.failure.map(|failure| failure.to_string()),
            is_write_left: ending.is_write_left,
            is_resumable: job.is_resumable(),
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
            status, done, now, ..
        } = self;
        let headline = Headline {
            program: "pipeline",
            status,
            elapsed: self.elapsed_seconds,
            error: self.error.as_deref(),
            cause: self.cause.as_ref(),
        };
        writeln!(f, "{headline}")?;
        writeln!(f, "  done     {done}")?;
        if now.lines != done.lines {
            writeln!(f, "  now      {now}")?;
        }
        if let Some(left) = &self.left {
            write!(f, "  left     {}", BinaryBytes(left.bytes))?;
            match left.about_lines {
                Some(lines) => writeln!(f, ", about {} lines", HumanCount(lines))?,
                None => writeln!(f)?,
            }
        }
        if self.is_write_left {
            writeln!(f, "  hanging  a write, not waited for any longer")?;
        }
        if *status != "completed" && self.is_resumable {
            let (lines, bytes) = (HumanCount(done.lines), HumanCount(done.bytes));
            writeln!(
                f,
                "  resume   with --resume, after line {lines}, byte {bytes}"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            written,
            rejected,
            empty,
        } = self.counts;
        let s = if self.lines == 1 { "" } else { "s" };
        write!(
            f,
            "{} line{s}, {}: {} written, {} rejected, {} empty",
            HumanCount(self.lines),
            BinaryBytes(self.bytes),
            HumanCount(written),
            HumanCount(rejected),
            HumanCount(empty)
        )
    }
}
