//! The command line: that of timeout(1), with alternatives for two arguments.

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use clap::Parser;
use rt::{Command, StopSignal};

const EXIT_CODES: &str = "\
DURATION is a number with an optional unit: s for seconds (the default), m, h or d. 0 is no limit.

Exit codes:
  124  the time limit was reached, and --preserve-status was not given
  125  supervise itself failed
  126  the command was found and could not be started
  127  the command was not found
  137  the command was killed (128 + 9)
    -  otherwise that of the command; of one that a signal ended, that signal

A signal that supervise receives is passed on to the command. SIGHUP, SIGINT, SIGQUIT, SIGTERM and the
one that is set are requests to end, from which --kill-after counts. What was ignored when supervise
was started stays ignored, but for the one that is set: the command has that by default.";

/// Run a command, and end it if it still runs after a time.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "supervise",
    version,
    after_long_help = EXIT_CODES,
    override_usage = "supervise [OPTIONS] DURATION COMMAND [ARG]...\n       \
                      supervise [OPTIONS] --timeout DURATION COMMAND [ARG]..."
)]
pub(crate) struct Options {
    /// The time limit, in place of the first argument
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// Kill the command if it still runs this long after the first signal
    #[arg(
        short,
        long,
        visible_alias = "grace",
        value_name = "DURATION",
        value_parser = parse_duration
    )]
    kill_after: Option<Duration>,

    /// The signal to send when the time is over, as a name or a number
    #[arg(short, long, default_value = "TERM")]
    signal: StopSignal,

    /// Exit as the command does, also when the time was over
    #[arg(long)]
    preserve_status: bool,

    /// Let the command use the terminal; what it starts is then not ended
    #[arg(long)]
    foreground: bool,

    /// Say on standard error what signals are sent
    #[arg(short, long)]
    verbose: bool,

    /// The time limit, unless --timeout has it, then the command and its arguments
    #[arg(
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        value_name = "ARG"
    )]
    args: Vec<OsString>,
}

/// The parsed arguments.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) limit: Option<Duration>,
    pub(crate) signal: StopSignal,
    pub(crate) preserve_status: bool,
    pub(crate) verbose: bool,
    grace: Duration,
    foreground: bool,
    command: Vec<OsString>,
}

impl Options {
    /// # Errors
    ///
    /// The first argument is no time limit, or there is no command.
    pub(crate) fn job(self) -> Result<Job, String> {
        let mut args = self.args;
        let limit = match self.timeout {
            Some(limit) => limit,
            None => parse_duration(&args.remove(0).to_string_lossy())?,
        };
        if args.is_empty() {
            return Err("no command was given; see --help".to_owned());
        }
        Ok(Job {
            limit: Some(limit).filter(|limit| !limit.is_zero()),
            signal: self.signal,
            preserve_status: self.preserve_status,
            verbose: self.verbose,
            grace: self
                .kill_after
                .filter(|grace| !grace.is_zero())
                .unwrap_or(Duration::MAX),
            foreground: self.foreground,
            command: args,
        })
    }
}

impl Job {
    pub(crate) fn command(&self) -> Result<Command, String> {
        let (program, args) = self.command.split_first().ok_or("no command was given")?;
        let command = Command::new(program)
            .args(args)
            .stop_signal(self.signal)
            .grace(self.grace);
        Ok(match self.foreground {
            true => command.foreground(),
            false => command.job_control(),
        })
    }

    /// Returns the command, for messages.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        self.command
            .first()
            .map_or(Cow::default(), |program| program.to_string_lossy())
    }
}

/// Parses a number of seconds, or of the unit that follows it.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        Some((at, 'd')) => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().map(|number| number * unit);
    match seconds {
        // Only after a number.
        Ok(seconds) if seconds >= 0.0 => {
            Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        }
        _ => Err(format!("{text:?} is no duration; write 10, 0.5s or 2m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_in_seconds() {
        for (text, seconds) in [
            ("0", 0.0),
            ("1", 1.0),
            ("0.5s", 0.5),
            ("2m", 120.0),
            ("1h", 3600.0),
            ("0.25d", 21600.0),
            ("1e3", 1000.0),
        ] {
            let parsed = parse_duration(text).unwrap();
            assert_eq!(parsed, Duration::from_secs_f64(seconds), "{text}");
        }
        assert_eq!(parse_duration("1e300"), Ok(Duration::MAX));
        for text in ["", "s", "-1", "nan", "1x", "1 s", "ä"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
