//! Process 1 of a container: `init COMMAND [ARG]...` runs the command, forwards signals to its
//! process group, reaps orphans, and exits as the command does.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Parser;
use common::Exit;
use rt::{Init, exit_as};

/// The exit codes of shells for a program that does not exist, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// The exit code of timeout(1) and others for their own failures.
const FAILED: u8 = 125;

const EXIT_CODES: &str = "\
Exit codes:
  125  init itself failed, or its command line was wrong
  126  the command was found and could not be started
  127  the command was not found
    -  otherwise that of the command; of one that a signal ended, that signal, or as process 1
       128 and its number";

/// Run a command as process 1 of a container: forward signals, reap orphans, exit as it does.
#[derive(Debug, Parser)]
#[command(
    name = "init",
    version,
    after_help = EXIT_CODES,
    override_usage = "init COMMAND [ARG]..."
)]
struct Options {
    /// The command and its arguments
    #[arg(required = true, num_args = 1.., trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let exit = match common::options() {
        Ok(options) => run(options),
        Err(exit) => exit.with_code(FAILED),
    };
    exit.leave()
}

fn run(options: Options) -> Exit {
    let mut args = options.command.into_iter();
    // The parser requires at least one argument.
    let mut command = Command::new(args.next().unwrap_or_default());
    command.args(args);
    match Init::new(command).status() {
        Ok(status) => exit_as(status),
        Err(error) => {
            let exit = Exit::failed("init", &error);
            match error.is_not_found() {
                true => exit.with_code(NOT_FOUND),
                false => exit.with_code(NOT_RUN),
            }
        }
    }
}
