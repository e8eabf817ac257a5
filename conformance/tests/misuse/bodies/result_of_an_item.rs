//! Work on an item that may fail, where nobody would read its error.

use cancelable_core::{Scope, stream};
use cancelable_tokio as rt;
use std::num::NonZeroUsize;

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

async fn fetch(page: u32) -> Result<(), std::fmt::Error> {
    drop(page);
    Ok(())
}

fn main() {
    let run = rt::scope("import").try_run(async |op: Scope| {
        op.for_each_concurrent(AT_ONCE, stream::iter([1, 2]), fetch).await
    });
    drop(rt::block_on(run));
}
