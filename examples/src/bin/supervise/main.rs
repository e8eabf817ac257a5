//! Runs a command with a time limit, as timeout(1) does: the same flags and the same exit codes.
//!
//! The example shows a child process that belongs to a scope. The scope's time limit sends a signal
//! to the process group, the end of the command's grace period kills the group, and the scope's own
//! grace period lets the body read how the process ended. No runtime is named here: `rt` is the
//! adapter of the manifest.

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
    // Before the start of another thread.
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
    // Before the start of the process, so that no signal is lost.
    let relay = Relay::watch(job.signal)?;

    // Kept until the end.
    #[cfg(target_os = "linux")]
    let _alarm = job.limit.and_then(alarm::continue_after);

    // The grace period lets the body continue after a cancel, until the process has ended.
    let scope = Scope::builder("supervise")
        .runtime(&runtime)
        .grace(Duration::MAX);
    let outcome = scope
        .build()?
        .run(async |op| -> Result<_, BoxError> {
            let process = Arc::new(job.command()?.spawn(&op)?);
            relay.begin(&process, op.token(), job.verbose)?;
            // From here on, so that even the shortest limit lets the command start.
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
        // The grace period is unlimited, so the body has always ended.
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
