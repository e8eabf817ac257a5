//! `?` in the body of a `run`.

use cancelable_core::Scope;
use cancelable_tokio as rt;

fn main() {
    let run = rt::scope("import").run(async |op: Scope| {
        op.check()?;
    });
    drop(rt::block_on(run));
}
