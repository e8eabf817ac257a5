//! A body whose type of error is not stated.

use cancelable_core::Scope;
use cancelable_tokio as rt;

fn main() {
    let run = rt::scope("import").try_run(async |op: Scope| {
        op.check()?;
        Ok(3)
    });
    drop(rt::block_on(run));
}
