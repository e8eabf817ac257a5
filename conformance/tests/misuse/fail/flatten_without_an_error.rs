//! `flatten` where the error can't say that the run was cancelled.

use cancelable_core::Scope;
use cancelable_core::scope::RunError;

#[derive(Debug)]
struct Failed;

async fn total(scope: &Scope) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(scope.run(async |_| 42).await.complete().map_err(RunError::flatten)?)
}

async fn part(scope: &Scope) -> Result<u32, Failed> {
    scope.try_run(async |_| Err(Failed)).await.complete().map_err(RunError::flatten)
}

fn main() {}
