//! Processes web-server records, one JSON object a line, in stages with limits. The program can be
//! stopped at any moment and resumed; no record is lost or processed twice.
//!
//! The example shows streams: a cancel ends the input stream instead of dropping it, so finished
//! work is written; each record may have a time limit of its own, as an operation inside the run;
//! the grace period of the run is for the last write. No runtime is named here: `rt` is the adapter
//! of the manifest.

mod batches;
mod checkpoint;
mod cli;
mod failure;
mod lines;
mod progress;
mod record;
mod report;
mod run;
mod sink;
mod stage;
mod stop;
mod target;
mod value;

use std::process::ExitCode;

use cancelable_core::Status;
use common::Exit;

use crate::cli::Options;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::{Ending, Report};
use crate::run::Job;

fn main() -> ExitCode {
    // A thread that hangs in a read does not delay the exit: `block_on` waits for the future alone.
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(run(options)) {
            Ok(exit) => exit,
            Err(failure) => Exit::failed("pipeline", &failure).with_code(failure.exit_code()),
        },
    };
    exit.leave()
}

async fn run(options: Options) -> Result<Exit, Failure> {
    let runtime = rt::current().map_err(Failure::other)?;
    let scope = stop::scope(&options, &runtime).map_err(Failure::other)?;
    let _signals = stop::signals(&scope).map_err(Failure::other)?;

    let progress = Progress::new(&options);
    let job = Job::open(&options, progress)?;
    let drawing = job.progress.draw(&scope, &runtime);
    let outcome = scope.try_run(async |op| job.work(&op).await).await;

    if let Some(drawing) = drawing {
        // It has ended with the scope. A failed draw is no reason to skip the report.
        let _ = drawing.await;
    }
    let ending = Ending {
        // A body that ends within its grace period has completed; the job has not.
        is_complete: outcome.status() == Status::Completed && job.is_complete(),
        cause: outcome.cause().cloned(),
        elapsed: outcome.elapsed().unwrap_or_default(),
        runtime: runtime.name(),
        is_write_left: !outcome.stragglers().is_empty(),
        failure: outcome
            .into_result()
            .err()
            .filter(|error| !error.is_cancelled())
            .map(Failure::of_run),
    };
    let report = Report::new(&options, &job, ending);
    if options.json || !options.quiet || report.is_bad() {
        common::print(&report, options.json).map_err(Failure::other)?;
    }
    Ok(report.exit())
}
