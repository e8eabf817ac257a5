//! Hashes a directory tree, and can be stopped at any moment without losing finished work.
//!
//! The example shows a job of some size: a scope that ends at the first of two signals, a time
//! limit and a file; blocking threads that notice the cancel by a token, and report progress; a
//! report with the reason of the stop. No runtime is named here: `rt` is the adapter of the
//! manifest.

mod cli;
mod crew;
mod hash;
mod job;
mod line;
mod opened;
mod output;
mod progress;
mod report;
mod stop;
mod subtree;
mod survey;
mod tally;
mod walk;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use common::{Exit, message};

use crate::cli::Options;
use crate::crew::Crew;
use crate::job::Job;
use crate::report::{Ending, Report};
use crate::stop::Signals;

fn main() -> ExitCode {
    // A thread that hangs in a read does not delay the exit: `block_on` waits for the future alone.
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(run(options)) {
            Ok(exit) => exit,
            Err(error) => Exit::failed("checksum", error),
        },
    };
    exit.leave()
}

async fn run(options: Options) -> Result<Exit, Box<dyn Error>> {
    let runtime = rt::current()?;
    let signals = Signals::watch()?;
    let scope = stop::scope(&options, &runtime, &signals)?;
    let job = Arc::new(Job::new(options, &scope)?);
    let mut crew = Crew::new(runtime.clone(), Arc::clone(&job));

    let token = scope.token().clone();
    let drawing = job.progress.follow(&scope, &runtime);
    let outcome = scope
        .run(async |scope| crew.work(scope.token()).await)
        .await;
    // The body may have been dropped; its threads notice the cancel between two chunks.
    let left_behind = crew.leave(&token, &signals.insist).await;
    crew.finish(outcome.is_completed()).await;

    if let Some(drawing) = drawing {
        // It has ended with the scope. A failed draw is no reason to skip the report.
        let _ = drawing.await;
    }
    if let Some(error) = outcome.error().filter(|error| !error.is_cancelled()) {
        message(format_args!("checksum: {error}"));
    }
    let ending = Ending {
        status: outcome.status(),
        cause: outcome.cause().cloned(),
        elapsed: outcome.elapsed().unwrap_or_default(),
        runtime: runtime.name(),
        left_behind,
    };
    let report = Report::new(&job, ending);
    if job.options.json || !job.options.quiet || report.is_bad() {
        common::print(&report, job.options.json)?;
    }
    Ok(report.exit())
}
