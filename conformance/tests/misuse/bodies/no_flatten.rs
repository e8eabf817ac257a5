//! `?` on the error of a run whose body returns a boxed error.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::error::Error;

async fn import() -> Result<u32, Box<dyn Error>> {
    let run = rt::scope("import").try_run(async |_: Scope| Ok::<_, Box<dyn Error>>(3));
    Ok(run.await.complete()?)
}

fn main() {
    drop(rt::block_on(import()));
}
