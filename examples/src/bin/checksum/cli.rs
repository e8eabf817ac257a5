//! The command line: the options, and the text of `--help`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::hash::Algorithm;

const EXIT_CODES: &str = "\
Exit codes:
    0  every file was hashed
    1  every file was tried and some could not be read, or the lines could not be written,
       or what was asked for is not there
    2  the command line was wrong
   75  the stop file appeared (EX_TEMPFAIL: the rest can be done later)
  124  the time limit was reached, as timeout(1) says it
  129  SIGHUP, such as of a terminal that is closed, as for 130
  130  SIGINT (Ctrl-C), as shells say it of a program that died of it, as this one does
  143  SIGTERM, likewise

Whatever stopped the run early decides the code, even when some files could not be read as well:
those are in the report. The first Ctrl-C asks and the report follows; the second insists and does
not wait for a read or a write that hangs.

The lines are those of sha256sum or b3sum, in the order in which the files were done, and the same
tool checks them: `checksum -a sha256 -o SUMS; sha256sum -c SUMS`.

FILE of --output is as it was until all is done; then the lines take its place in one step. A run
that was stopped, or whose disk was full, leaves complete lines only: in FILE if that was not there
before, and else in FILE.partial.";

/// Hash every file below a directory, until all are done or something says stop.
#[derive(Clone, Debug, Parser)]
#[command(name = "checksum", version, after_long_help = EXIT_CODES)]
pub(crate) struct Options {
    /// The directory to walk, or one file
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// The hash
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) algorithm: Algorithm,

    /// Write the lines to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print the report as one JSON object on standard output, and no lines there
    #[arg(long)]
    pub(crate) json: bool,

    /// Stop after this time: 30s, 1h 30m, 500ms
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,

    /// Stop as soon as this path exists
    #[arg(long, value_name = "PATH")]
    pub(crate) stop_file: Option<PathBuf>,

    /// How many files are hashed at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Follow symbolic links instead of leaving them out
    #[arg(long)]
    pub(crate) follow: bool,

    /// Show no progress, and a report only when something went wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Options {
    /// Returns the number of files that are hashed at once.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs
            .map_or_else(processors, NonZeroUsize::get)
            .min(MOST_JOBS)
    }

    /// Returns whether the user lets the program use all processors.
    pub(crate) fn uses_all_processors(&self) -> bool {
        self.jobs() >= processors()
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Both runtimes have about 500 blocking threads; the counter and the stop file need some as well.
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
    fn the_defaults_are_the_current_directory_and_blake3() {
        let options = Options::parse_from(["checksum"]);
        assert_eq!(options.path, PathBuf::from("."));
        assert_eq!(options.algorithm, Algorithm::Blake3);
        assert_eq!(options.timeout, None);
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        for (text, wanted) in [
            ("30s", Duration::from_secs(30)),
            ("1h 30m", Duration::from_secs(5400)),
            ("500ms", Duration::from_millis(500)),
            ("0s", Duration::ZERO),
        ] {
            let options = Options::parse_from(["checksum", "--timeout", text]);
            assert_eq!(options.timeout, Some(wanted), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_touched() {
        for line in [
            ["checksum", "--timeout", "soon"],
            ["checksum", "--jobs", "0"],
            ["checksum", "--jobs", "100000"],
            ["checksum", "--algorithm", "crc32"],
        ] {
            assert!(Options::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
