//! The end of a program: its exit code or its signal.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use cancelable_core::Cause;
use cancelable_core::error::Cancelled;
use cancelable_core::scope::RunError;
use cancelable_signals::{Signal, exit_by};
use clap::Parser;

use crate::{exit_code, message, unwritten};

/// The exit code for an invalid command line.
const USAGE: u8 = 2;

/// The end of a program. `main` returns the result of [`leave`](Self::leave), and nothing else
/// decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the caller is told by `leave`"]
pub struct Exit {
    code: u8,
    /// The signal that stopped the program, if there is one.
    signal: Option<Signal>,
}

impl Exit {
    /// All requested work was done.
    pub const SUCCESS: Self = Self::code(0);
    /// Some requested work was not done.
    pub const FAILURE: Self = Self::code(1);

    /// Returns an exit with this code.
    pub const fn code(code: u8) -> Self {
        Self { code, signal: None }
    }

    /// Returns the exit of a program that `cause` has stopped: by the signal if the cause is a
    /// signal, or else with the code of [`exit_code`].
    pub fn stopped(cause: &Cause) -> Self {
        Self {
            code: exit_code(cause),
            signal: Signal::from_cause(cause),
        }
    }

    /// Returns the exit of `program` for a failure, and prints the failure.
    pub fn failed(program: &str, error: impl Display) -> Self {
        message(format_args!("{program}: {error}"));
        Self::FAILURE
    }

    /// Returns the exit of `program` for the error of its work, and prints the error: as
    /// [`stopped`](Self::stopped) for a cancellation, without the location in the source, or else
    /// as [`failed`](Self::failed).
    pub fn ended(program: &str, error: &(dyn Error + 'static)) -> Self {
        let run_error = error.downcast_ref::<RunError>();
        let cancelled = run_error.and_then(RunError::cancellation);
        match cancelled.or_else(|| error.downcast_ref::<Cancelled>()) {
            Some(cancelled) => {
                let words = cancelled.without_location();
                message(format_args!("{program}: {words}"));
                Self::stopped(cancelled.cause())
            }
            None => Self::failed(program, error),
        }
    }

    /// Returns the same exit with another code, unless it is a success.
    pub fn with_code(self, code: u8) -> Self {
        match self.code {
            0 => self,
            _ => Self { code, ..self },
        }
    }

    /// Returns the exit code. For a signal it is the code that shells use.
    #[must_use]
    pub const fn to_code(self) -> u8 {
        self.code
    }

    /// Ends the program after all work and output, for `main` to return.
    ///
    /// A program that was stopped by a signal ends itself by that signal, so that a loop in a shell
    /// ends as well.
    #[must_use]
    pub fn leave(self) -> ExitCode {
        match self.signal {
            Some(signal) => exit_by(signal),
            None => self.code.into(),
        }
    }
}

/// The signals by which people end a program, as far as the system has them: Ctrl-C, kill(1), and a
/// terminal that is closed.
pub fn requests() -> impl Iterator<Item = Signal> {
    let names = ["SIGINT", "SIGTERM", "SIGHUP"];
    names.into_iter().flat_map(str::parse)
}

/// Parses the options on the command line.
///
/// # Errors
///
/// The options ask for the help or the version, which are printed; or the command line is invalid,
/// which is printed, and the code is 2.
pub fn options<O: Parser>() -> Result<O, Exit> {
    O::try_parse().map_err(|error| refused(O::command().get_name(), &error))
}

/// Prints the help, the version, or the error.
fn refused(program: &str, error: &clap::Error) -> Exit {
    match (error.use_stderr(), error.print()) {
        (true, _) => Exit::code(USAGE),
        (false, Ok(())) => Exit::SUCCESS,
        // Requested output is a result.
        (false, Err(error)) => Exit::failed(program, unwritten(&error)),
    }
}

/// Parses the command line of a program that has no options but `--help` and `--version`.
///
/// # Errors
///
/// The same as for [`options`].
pub fn no_options(program: &'static str, about: &'static str) -> Result<(), Exit> {
    let command = clap::Command::new(program).about(about);
    let command = command.version(env!("CARGO_PKG_VERSION"));
    command
        .try_get_matches()
        .map(drop)
        .map_err(|error| refused(program, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cancelable_core::Reason;

    #[test]
    fn a_signal_is_remembered_beside_its_code() {
        let reason = Reason::Signal {
            number: 2,
            name: "SIGINT",
        };
        let exit = Exit::stopped(&Cause::new(reason));
        let signal = exit.signal.map(Signal::number);
        assert_eq!((exit.to_code(), signal), (130, Some(2)));
        let exit = Exit::stopped(&Cause::new(Reason::DeadlineReached));
        assert_eq!((exit.to_code(), exit.signal), (124, None));
    }

    #[test]
    fn a_success_has_no_other_code() {
        assert_eq!(Exit::SUCCESS.with_code(7), Exit::SUCCESS);
        assert_eq!(Exit::FAILURE.with_code(7), Exit::code(7));
    }
}
