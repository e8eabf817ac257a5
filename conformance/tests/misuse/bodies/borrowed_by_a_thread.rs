//! A blocking call that borrows from the body that starts it.

use cancelable_core::Scope;
use cancelable_tokio as rt;

fn main() {
    let run = rt::scope("import").run(async |op: Scope| {
        let pages = vec![1, 2, 3];
        let count = op.spawn_blocking(|_| pages.len());
        drop(count);
        println!("{}", pages.len());
    });
    drop(rt::block_on(run));
}
