//! The command line: the options, and the text of `--help`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

const ABOUT_RECORDS: &str = "\
A record is an object on a line of its own. In it, where they are there,
    method  becomes upper case
    path    loses what follows `?`, which becomes `query`
    status  becomes a number from 100 to 599, and `status_class` says 2xx, 4xx and so on
    bytes   becomes a number; `-` is 0
and each --field becomes a hash of what it was. `line` is the number of the line. All other fields
stay as they are, byte for byte. A line of which this cannot be done is rejected. Empty lines are
skipped.

Beside --output a checkpoint says how far the run has come: FILE.checkpoint. It is written after what
it speaks of, in one step. With --resume a run goes on from there, whether the last one was
stopped, was killed or has completed and the input has grown. It asks that the input begins as it did
and that the options are the same which decide about the output. Until there is something to write,
FILE is as it was.

Exit codes:
    0  every line was done
    1  every line was tried and some were rejected, or the input or the output failed
    2  the command line was wrong
   65  --resume: the input, the options or the output are not those of the checkpoint (EX_DATAERR)
  124  the time limit was reached, as timeout(1) says it
  129  SIGHUP, such as of a terminal that is closed, as for 130
  130  SIGINT (Ctrl-C), as shells say it of a program that died of it, as this one does
  143  SIGTERM, likewise

Whatever stopped the run early decides the code. The first Ctrl-C asks: what is done is written and
the report follows. The second insists and does not wait for a write that hangs.";

/// Normalise web-server records, one JSON object a line, until all are done or something says stop.
#[derive(Clone, Debug, Parser)]
#[command(name = "pipeline", version, after_long_help = ABOUT_RECORDS)]
pub(crate) struct Options {
    /// The file to read, or - for standard input
    #[arg(default_value = "-")]
    pub(crate) input: PathBuf,

    /// Write the records to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write the lines that are rejected to this file, each with its number and the reason
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,

    /// Do not call it a failure that lines were rejected
    #[arg(long)]
    pub(crate) skip_bad: bool,

    /// Go on from the checkpoint, if there is one
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,

    /// Begin anew although there is a checkpoint to go on from
    #[arg(long, conflicts_with = "resume")]
    pub(crate) restart: bool,

    /// Replace this field by a hash of it; may be given several times
    #[arg(short, long = "field", value_name = "NAME")]
    pub(crate) fields: Vec<String>,

    /// What goes into each hash, so that it cannot be looked up in a table
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) salt: String,

    /// Reject a record without this field; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) require: Vec<String>,

    /// How much is worked on at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Begin no more than this many records a second
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<NonZeroU32>,

    /// Reject a record that takes longer than this
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) record_timeout: Option<Duration>,

    /// Reject a line that is longer than this many bytes
    #[arg(long, value_name = "BYTES", default_value = "16777216")]
    pub(crate) max_line: NonZeroUsize,

    /// Write a checkpoint after this many lines at the latest
    #[arg(long, value_name = "LINES", default_value = "10000")]
    pub(crate) every: NonZeroUsize,

    /// Stop after this time: 30s, 1h 30m, 500ms
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,

    /// Print the report as one JSON object on standard output
    #[arg(long, requires = "output")]
    pub(crate) json: bool,

    /// Say each checkpoint on standard error
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Show no progress, and a report only when something went wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The limit on the work of one thread at once.
const BATCH: usize = 256;

impl Options {
    /// Returns the number of batches that are processed at once.
    pub(crate) fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs
            .map_or_else(processors, NonZeroUsize::get)
            .min(MOST_JOBS)
    }

    /// Returns the number of lines in a batch. With a time limit for records each record is a
    /// batch.
    pub(crate) fn batch(&self) -> usize {
        match (self.rate, self.record_timeout) {
            (None, None) => self.every.get().min(BATCH),
            _ => 1,
        }
    }

    /// Returns the number of batches that are written together.
    pub(crate) fn chunk(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.every.get().div_ceil(self.batch())).unwrap_or(NonZeroUsize::MIN)
    }

    /// Returns the path of the input, if it is not standard input.
    pub(crate) fn input_path(&self) -> Option<&Path> {
        Some(self.input.as_path()).filter(|path| *path != Path::new("-"))
    }
}

/// Both runtimes have about 500 blocking threads, and two are for reading and writing.
const MOST_JOBS: usize = 256;

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= MOST_JOBS => Ok(jobs),
        _ => Err(format!("a number from 1 to {MOST_JOBS} is wanted")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_touched() {
        for line in [
            &["pipeline", "--timeout", "soon"][..],
            &["pipeline", "--jobs", "0"],
            &["pipeline", "--rate", "0"],
            &["pipeline", "--every", "0"],
            &["pipeline", "--max-line", "0"],
            // There is nothing to resume, and standard output has no room for a report.
            &["pipeline", "--resume"],
            &["pipeline", "--json"],
            &["pipeline", "-o", "out", "--resume", "--restart"],
        ] {
            assert!(Options::try_parse_from(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_limit_on_records_makes_each_a_batch() {
        let lines = |args: &[&str]| {
            let options = Options::parse_from([&["pipeline"], args].concat());
            (options.batch(), options.chunk().get())
        };
        assert_eq!(lines(&[]), (256, 40));
        assert_eq!(lines(&["--every", "7"]), (7, 1));
        assert_eq!(lines(&["--every", "7", "--rate", "5"]), (1, 7));
        assert_eq!(lines(&["--record-timeout", "1s"]), (1, 10000));
    }
}
