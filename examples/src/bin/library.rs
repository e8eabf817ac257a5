//! How a library takes part: it depends on `cancelable-core` alone and never learns the runtime.
//!
//! A function that only has to notice a cancel takes a token. A function that bounds its own steps,
//! or starts some, takes the scope that it runs in. The application at the bottom brings the runtime.

use cancelable_core::error::Cancelled;
use cancelable_core::scope::RunError;
use cancelable_core::{CancellationToken, Outcome, Scope};
use common::{Exit, announce, announced, no_options};
use std::error::Error;
use std::fmt::Display;
use std::future;
use std::process::ExitCode;
use std::time::Duration;

/// Why a run has no value, without the place in the source: that is for who develops the program.
fn why<E: Display>(error: &RunError<E>) -> String {
    match error.cancellation() {
        Some(cancelled) => cancelled.without_location().to_string(),
        None => error.to_string(),
    }
}

/// Adds up what can be added up until the token is cancelled. No async code and no runtime is needed.
fn sum(numbers: impl Iterator<Item = u64>, token: &CancellationToken) -> Result<u64, Cancelled> {
    let mut sum = 0_u64;
    for number in numbers {
        token.check()?;
        sum = sum.wrapping_add(number);
    }
    Ok(sum)
}

/// Asks a replica, and gives it half a second. The scope's own deadline may leave it less.
async fn ask(scope: &Scope, replica: &str) -> Result<Outcome<String>, Box<dyn Error>> {
    let step = scope
        .child(format!("ask {replica}"))
        .timeout(Duration::from_millis(500))
        .build()?;
    Ok(step.run(async |_| answer_of(replica).await).await)
}

/// Stands for a call over the network: one of the replicas is down and never answers.
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
                // Endless work on a blocking thread: the token is how it hears of the deadline.
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
