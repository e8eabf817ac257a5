//! Runs a command with a time limit, as timeout(1) does: the same flags and the same exit codes.
//!
//! It shows a child process that belongs to a scope. The scope's time limit asks its whole process
//! group to end, the command's grace ends in a kill, and the scope's own grace lets the body see how
//! the process ended. Nothing here names a runtime: `rt` is whichever the manifest says.

#[cfg(target_os = "linux")]
mod alarm;
mod cli;
mod ending;
mod relay;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cancelable_core::Scope;
use common::{Exit, message};
use rt::exit_as;

use crate::cli::Options;
use crate::ending::{End, Ending};
use crate::relay::Relay;

fn main() -> ExitCode {
    // Before there is another thread.
    #[cfg(target_os = "linux")]
    relay::unblock();
    let exit = match common::options() {
        Err(exit) => exit.with_code(ending::FAILED),
        Ok(options) => match rt::block_on(run(options)) {
            Ok(End::As(status)) => exit_as(status),
            Ok(End::Code(code)) => Exit::code(code),
            Err(error) => {
                Exit::failed("supervise", &error).with_code(ending::code_of_error(&*error))
            }
        },
    };
    exit.leave()
}

type BoxError = Box<dyn Error + Send + Sync>;

async fn run(options: Options) -> Result<End, BoxError> {
    let job = options.job()?;
    let runtime = rt::current()?;
    // Before there is a process, so that no signal finds nobody.
    let relay = Relay::watch(job.signal)?;

    // Until the end.
    #[cfg(target_os = "linux")]
    let _alarm = job.limit.and_then(alarm::continue_after);

    // The body goes on after a cancel, until the process has ended.
    let scope = Scope::builder("supervise")
        .runtime(&runtime)
        .grace(Duration::MAX);
    let outcome = scope
        .build()?
        .run(async |op| -> Result<_, BoxError> {
            let process = Arc::new(job.command()?.spawn(&op)?);
            relay.begin(&process, op.token(), job.verbose)?;
            // From here on, so that no limit is too short for the command to be started.
            if let Some(limit) = job.limit {
                op.set_timeout(limit)?;
            }
            Ok(process.wait().await?)
        })
        .await;
    let is_over = outcome
        .cause()
        .is_some_and(|cause| cause.reason().is_timeout());
    let Some(ended) = outcome.into_value() else {
        // Its grace has no end, so the body has had one.
        return Ok(End::Code(ending::FAILED));
    };
    let ended = ended?;
    if job.verbose && ended.was_killed() {
        message(format_args!(
            "supervise: sent signal KILL to {}",
            job.name()
        ));
    }
    let ending = Ending {
        ended,
        is_over,
        preserve_status: job.preserve_status,
    };
    Ok(ending.end())
}
