//! A child whose error may not leave its thread.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::error::Error;

async fn fetch() -> Result<u32, Box<dyn Error>> {
    Ok(3)
}

fn main() {
    let run = rt::scope("import").run(async |op: Scope| {
        drop(op.child("page").try_spawn(async |_| fetch().await));
    });
    drop(rt::block_on(run));
}
