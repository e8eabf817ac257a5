//! A library that depends on `cancelable-core` alone and never names a runtime.
//!
//! A function that only has to notice a cancel takes a token. A function that limits or starts
//! steps of its own takes the scope that it runs in. The application at the bottom supplies the
//! runtime.

use cancelable_core::error::Cancelled;
use cancelable_core::scope::RunError;
use cancelable_core::{CancellationToken, Outcome, Scope};
use common::{Exit, announce, announced, no_options};
use std::error::Error;
use std::fmt::Display;
use std::future;
use std::process::ExitCode;
use std::time::Duration;

/// Returns why a run has no value, without the location in the source, which is for developers.
fn why<E: Display>(error: &RunError<E>) -> String {
    match error.cancellation() {
        Some(cancelled) => cancelled.without_location().to_string(),
        None => error.to_string(),
    }
}

/// Adds numbers until the token is cancelled. Needs no async code and no runtime.
fn sum(numbers: impl Iterator<Item = u64>, token: &CancellationToken) -> Result<u64, Cancelled> {
    let mut sum = 0_u64;
    for number in numbers {
        token.check()?;
        sum = sum.wrapping_add(number);
    }
    Ok(sum)
}

/// Asks a replica, with half a second for the answer. The deadline of the scope may leave less.
async fn ask(scope: &Scope, replica: &str) -> Result<Outcome<String>, Box<dyn Error>> {
    let step = scope
        .child(format!("ask {replica}"))
        .timeout(Duration::from_millis(500))
        .build()?;
    Ok(step.run(async |_| answer_of(replica).await).await)
}

/// Simulates a call over the network: one of the replicas is down and never answers.
async fn answer_of(replica: &str) -> String {
    if replica == "north" {
        future::pending::<()>().await;
    }
    format!("{replica} answered")
}

fn main() -> ExitCode {
    let about = "Ask two replicas and add numbers, each with a time limit of its own";
    let exit = match no_options("library", about) {
        Err(exit) => exit,
        Ok(()) => match query().and_then(|()| Ok(announced()?)) {
            Ok(()) => Exit::SUCCESS,
            Err(error) => Exit::ended("library", error.as_ref()),
        },
    };
    exit.leave()
}

fn query() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let scope = Scope::builder("query")
            .runtime(&runtime)
            .timeout(Duration::from_secs(3600))
            .build()?;
        let outcome = scope
            .try_run(async |scope| {
                for replica in ["north", "south"] {
                    match ask(&scope, replica).await?.into_result() {
                        Ok(answer) => announce(answer),
                        Err(error) => announce(why(&error)),
                    }
                }
                // Endless work on a blocking thread, which notices the deadline by the token.
                let token = scope.token().clone();
                scope.set_timeout(Duration::from_millis(100))?;
                let adding = runtime.spawn_blocking(move || sum(1.., &token));
                announce(adding.await??);
                Ok::<_, Box<dyn Error>>(())
            })
            .await;
        if let Err(error) = outcome.into_result() {
            announce(why(&error));
        }
        Ok(())
    })
}
