//! `flatten` where the error can't say that the run was cancelled.

use cancelable_core::Scope;

#[derive(Debug)]
struct Failed;

async fn total(scope: &Scope) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(scope.run(async |_| 42).await.flatten()?)
}

async fn part(scope: &Scope) -> Result<u32, Failed> {
    scope.try_run(async |_| Err(Failed)).await.flatten()
}

fn main() {}
