//! A library knows the core and no adapter: nothing here is called `rt`.

use cancelable_core::scope::RunError;
use cancelable_core::{Scope, cancelable};

#[cancelable]
async fn plain() -> u32 {
    1
}

#[cancelable(timeout = "10s", parent = scope, inherit_runtime)]
async fn bounded(scope: &Scope) -> Result<u32, RunError> {
    let part = scope.child("part").build()?;
    part.run(async |_| 2).await.into_result()
}

fn main() {
    let _ = plain();
    let _ = bounded;
}
