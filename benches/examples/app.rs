//! Tasks with time limits that are stopped together, by scopes. `benches/weight.sh` builds it and
//! compares it with `app_tokio_util.rs`.

#![allow(clippy::print_stdout)]

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use cancelable_tokio as rt;
use std::error::Error;
use std::time::Duration;

type Failure = Box<dyn Error + Send + Sync>;

/// Two steps, each with a time limit of its own within that of the request.
async fn request(scope: Scope, number: u64) -> Result<u64, Failure> {
    let fetched = scope.child("fetch").timeout(Duration::from_secs(1));
    let fetched = fetched.run(async |_| number * 2).await.complete()?;
    let parsed = scope.child("parse").timeout(Duration::from_millis(500));
    let parsed = parsed.try_run(async |_| fetched.to_string().parse::<u64>());
    Ok(parsed.await.complete()?)
}

async fn serve(scope: Scope, stop: bool) -> Result<u64, Failure> {
    let mut tasks = Vec::new();
    for number in 0..3 {
        let limits = scope.child("request").timeout(Duration::from_secs(2));
        tasks.push(limits.try_spawn(move |scope| request(scope, number))?);
    }
    if stop {
        scope.cancel_with("shutdown");
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    Ok(sum)
}

fn main() -> Result<(), Failure> {
    let stop = std::env::args().len() > 1;
    let sum = rt::block_on(async {
        let server = rt::scope("server").timeout(Duration::from_secs(10));
        let outcome = server.try_run(|scope| serve(scope, stop)).await;
        outcome.complete().map_err(RunError::flatten)
    })?;
    println!("{sum}");
    Ok(())
}
