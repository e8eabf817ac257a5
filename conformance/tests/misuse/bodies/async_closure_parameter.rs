//! A function that takes a body, and names it as an async closure.

use cancelable_core::Scope;
use cancelable_tokio as rt;

async fn timed(body: impl AsyncFnOnce(Scope) -> u32) {
    drop(rt::scope("import").run(body).await);
}

fn main() {
    rt::block_on(timed(async |_| 3));
}
