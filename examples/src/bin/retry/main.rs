//! Waits for a server: tries to connect, with growing pauses, until a try succeeds, Ctrl-C arrives,
//! the time is up, or an error is permanent. The loop is the `backon` crate's, with timers of the
//! runtime.

mod address;

use address::{Address, Refused};
use backon::{ExponentialBuilder, Retryable};
use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use clap::Parser;
use common::{Exit, Span, message};
use humantime::parse_duration;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const EXIT_CODES: &str = "\
Exit codes:
    0  the server took a connection
    1  it cannot be connected to, however long one waits
    2  the command line was wrong
  124  the time was up, as timeout(1) says it
  130  SIGINT (Ctrl-C), as shells say it of a program that died of it, as this one does

A name that the resolver does not know ends the waiting, and one that it cannot ask about now does
not.";

/// Wait until a server takes connections.
#[derive(Debug, Parser)]
#[command(name = "retry", version, after_help = EXIT_CODES)]
struct Options {
    /// The server, as HOST:PORT; an IPv6 address as [ADDRESS]:PORT
    address: Address,

    /// The pause after the first try; each one after it is twice as long
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = parse_duration)]
    pause: Duration,

    /// How long to wait in all
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    timeout: Duration,

    /// Go on although the host's name is not known: it may be that of a container to come
    #[arg(long)]
    wait_for_name: bool,
}

fn main() -> ExitCode {
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(wait(&options)) {
            Ok(exit) => exit,
            Err(error) => Exit::failed("retry", error),
        },
    };
    exit.leave()
}

async fn wait(options: &Options) -> Result<Exit, Box<dyn Error>> {
    let runtime = rt::current()?;
    let scope = Scope::builder("waiting")
        .runtime(&runtime)
        .timeout(options.timeout)
        .source(rt::ctrl_c())
        .build()?;
    let tries = AtomicU32::new(0);
    let outcome = scope.try_run(async |op| {
        // Each try runs inside the operation and ends with it. The pauses are part of this body,
        // which a cancel of the scope drops.
        let connect = || {
            tries.fetch_add(1, Ordering::Relaxed);
            let address = options.address.clone();
            // A thread that hangs in `connect` is abandoned, and ends later.
            let call = runtime.spawn_blocking(move || address.connect());
            op.try_run_until_cancelled(async { call.await.map_err(Refused::lost)? })
        };
        let pauses = ExponentialBuilder::new()
            .with_min_delay(options.pause)
            .with_max_delay(Duration::MAX)
            .with_factor(2.0)
            .without_max_times();
        let sleep = runtime.clone();
        connect
            .retry(pauses)
            .sleep(move |pause| sleep.sleep(pause))
            .when(|error| match error {
                RunError::Failed(refused) => refused.may_change(options.wait_for_name),
                _ => false,
            })
            .notify(|error, pause| {
                let (tries, pause) = (tries.load(Ordering::Relaxed), Span(pause));
                message(format_args!("try {tries}: {error}; again in {pause}"));
            })
            .await
    });
    let tried = || tries.load(Ordering::Relaxed);
    Ok(match outcome.await.into_result() {
        Ok(()) => {
            message(format_args!("connected at try {}", tried()));
            Exit::SUCCESS
        }
        Err(error) => match error.cancellation() {
            Some(cancelled) => {
                message(cancelled.without_location());
                Exit::stopped(cancelled.cause())
            }
            None => Exit::failed("retry", error),
        },
    })
}
