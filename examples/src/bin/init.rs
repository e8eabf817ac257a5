//! Process 1 of a container: `init COMMAND [ARG]...` runs the command, forwards signals to its
//! process group, reaps orphans, and exits as the command does.

use std::env;
use std::process::{Command, ExitCode};

use rt::Init;

/// What shells exit with when there is no such program, or it cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// The exit code of timeout(1) and others for a failure of their own.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let Some(program) = args.next() else {
        eprintln!("usage: init COMMAND [ARG]...");
        return FAILED.into();
    };
    let mut command = Command::new(program);
    command.args(args);
    let code = Init::new(command).run().unwrap_or_else(|error| {
        eprintln!("init: {error}");
        match error.is_not_found() {
            true => NOT_FOUND,
            false => NOT_RUN,
        }
    });
    code.into()
}
