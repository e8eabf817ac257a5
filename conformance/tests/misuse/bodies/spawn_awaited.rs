//! A spawn that is awaited, in place of the child.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::error::Error;

async fn fetch() -> u32 {
    3
}

fn main() {
    let run = rt::scope("import").try_run(async |op: Scope| {
        let rows = op.spawn(fetch()).await?;
        Ok::<u32, Box<dyn Error>>(rows)
    });
    drop(rt::block_on(run));
}
