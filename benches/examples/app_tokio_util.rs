//! `app.rs` with the token of tokio-util and the time limits of Tokio.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
enum Stopped {
    Cancelled,
    TimedOut(&'static str, Duration),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => write!(f, "cancelled"),
            Self::TimedOut(name, limit) => write!(f, "{name} timed out (limit {limit:?})"),
        }
    }
}

impl Error for Stopped {}

/// Runs `work` until it is done, its time is up or `token` is cancelled.
async fn bounded<F: Future>(
    name: &'static str,
    token: &CancellationToken,
    limit: Duration,
    work: F,
) -> Result<F::Output, Stopped> {
    match token.run_until_cancelled(timeout(limit, work)).await {
        None => Err(Stopped::Cancelled),
        Some(Err(_)) => Err(Stopped::TimedOut(name, limit)),
        Some(Ok(output)) => Ok(output),
    }
}

/// Two steps, each with a time limit of its own within that of the request.
async fn request(token: CancellationToken, number: u64) -> Result<u64, Failure> {
    let fetched = bounded("fetch", &token, Duration::from_secs(1), async {
        number * 2
    })
    .await?;
    let parse = async { fetched.to_string().parse::<u64>() };
    Ok(bounded("parse", &token, Duration::from_millis(500), parse).await??)
}

async fn serve(token: CancellationToken, stop: bool) -> Result<u64, Failure> {
    let mut tasks = JoinSet::new();
    for number in 0..3 {
        let token = token.child_token();
        tasks.spawn(async move {
            let work = request(token.clone(), number);
            bounded("request", &token, Duration::from_secs(2), work).await?
        });
    }
    if stop {
        token.cancel();
    }
    let mut sum = 0;
    while let Some(task) = tasks.join_next().await {
        match task? {
            Ok(number) => sum += number,
            Err(error) => {
                token.cancel();
                return Err(error);
            }
        }
    }
    Ok(sum)
}

fn main() -> Result<(), Failure> {
    let stop = std::env::args().len() > 1;
    let runtime = Builder::new_multi_thread().enable_time().build()?;
    let token = CancellationToken::new();
    let sum = runtime.block_on(async {
        let serve = serve(token.clone(), stop);
        bounded("server", &token, Duration::from_secs(10), serve).await?
    })?;
    println!("{sum}");
    Ok(())
}
