//! `?` on the outcome of a run.

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use cancelable_tokio as rt;

async fn import() -> Result<u32, RunError> {
    let rows = rt::scope("import").run(async |_: Scope| 3).await?;
    Ok(rows)
}

fn main() {
    drop(rt::block_on(import()));
}
