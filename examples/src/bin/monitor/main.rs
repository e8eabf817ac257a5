//! A live view of a registry in the terminal: what runs, how far it is, until when it may, and a key to
//! stop it. A generated load is what there is to see.
//!
//! It shows a registry on `cancelable`: its tree, its statistics, its history and its events; cancels
//! by number and by name; and an end that asks first, waits, and insists when it is told to. Nothing
//! here names a runtime: `rt` is whichever the manifest says.

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

/// For so long the load may wind down when it is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// For so long the end may take to be drawn.
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
    // Before anything is opened, so that no event is missed but for being slow.
    let mut view = View::new(&registry);
    let stop = CancellationToken::new();
    let load = Scope::builder("load")
        .runtime(&runtime)
        .token(&stop)
        .register_in(&registry)
        .grace(GRACE)
        .collect_all()
        .build()?;
    // The terminal gives Ctrl-C as a key; this is for signals from elsewhere.
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
        // That it is cancelled is what is wanted.
        let _ = load.run(async |op| load::run(&op, plan).await).await;
        let view = watching.await?;
        plain::print(&view, &registry)?;
        return Ok(exit(&stop));
    }
    let (operation, stopped) = (load.operation().clone(), stop.clone());
    let mut watching = runtime.spawn_blocking(move || screen::show(view, &operation, &stopped));
    // How it ended is on the screen.
    let _ = load.run(async |op| load::run(&op, plan).await).await;
    let watched = match stop.run_until_cancelled(&mut watching).await {
        Some(watched) => Ok(watched),
        // The thread may hang in a write to a terminal that was halted.
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

/// A signal that has asked it to stop is what it ends by.
fn exit(stop: &CancellationToken) -> Exit {
    stop.cause()
        .map_or(Exit::SUCCESS, |cause| Exit::stopped(&cause))
}
