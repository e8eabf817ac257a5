//! A live view of a registry in the terminal: the running operations, their progress and their
//! deadlines, and keys to cancel them. The operations are a generated load.
//!
//! The example shows a registry: its tree, its statistics, its history and its events; cancels by
//! number and by name; and a shutdown that cancels, waits, and ends the wait on request. No runtime
//! is named here: `rt` is the adapter of the manifest.

mod cli;
mod columns;
mod draw;
mod keys;
mod load;
mod plain;
mod plan;
mod row;
mod screen;
mod terminal;
mod view;
mod words;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use cancelable_core::{CancellationToken, Registry, Scope};
use common::{Exit, message, requests};
use rt::{Escalation, Step};

use crate::cli::Options;
use crate::plan::Plan;
use crate::view::View;

/// The limit on the end of the load after its cancel.
const GRACE: Duration = Duration::from_secs(5);
/// The limit on the last draw.
const LAST_PICTURE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(run(&options)) {
            Ok(exit) => exit,
            Err(error) => Exit::failed("monitor", error),
        },
    };
    exit.leave()
}

async fn run(options: &Options) -> Result<Exit, Box<dyn Error + Send + Sync>> {
    let runtime = rt::current()?;
    let registry = Registry::new();
    // Before the first operation is opened, so that an event is missed only if the reader is slow.
    let mut view = View::new(&registry);
    let stop = CancellationToken::new();
    let load = Scope::builder("load")
        .runtime(&runtime)
        .token(&stop)
        .register_in(&registry)
        .grace(GRACE)
        .collect_all()
        .build()?;
    // The terminal reports Ctrl-C as a key; this is for signals of other processes.
    let _guard = Escalation::new(&stop)
        .signals(requests())
        .second(Step::cancel_now(&load))
        .start()?;

    let plan = Plan::new(options.operations(), options.seed, options.speed);
    let total = plan.total();
    if options.once || !io::stdout().is_terminal() {
        let operation = load.operation().clone();
        let watching = runtime.spawn(async move {
            plain::wait_until_open(&mut view, total).await;
            operation.cancel_with("the picture is taken");
            view
        });
        // The cancel is intended.
        let _ = load.run(async |op| load::run(&op, plan).await).await;
        let view = watching.await?;
        plain::print(&view, &registry)?;
        return Ok(exit(&stop));
    }
    let (operation, stopped) = (load.operation().clone(), stop.clone());
    let mut watching = runtime.spawn_blocking(move || screen::show(view, &operation, &stopped));
    // The screen has shown its end.
    let _ = load.run(async |op| load::run(&op, plan).await).await;
    let watched = match stop.run_until_cancelled(&mut watching).await {
        Some(watched) => Ok(watched),
        // The thread may hang in a write to a halted terminal.
        None => runtime.timeout(LAST_PICTURE, watching).await,
    };
    match watched {
        Ok(watched) => watched??,
        Err(_) => screen::abandon(),
    }
    let ended = registry.statistics();
    message(format_args!("monitor: {}", words::statistics(&ended)));
    Ok(exit(&stop))
}

/// Returns the exit of the program, by the signal if a signal has requested it.
fn exit(stop: &CancellationToken) -> Exit {
    stop.cause()
        .map_or(Exit::SUCCESS, |cause| Exit::stopped(&cause))
}
