//! A child with a value that stays on its thread.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::rc::Rc;

async fn fetch() {}

fn main() {
    let run = rt::scope("import").run(async |op: Scope| {
        let child = op.spawn(async {
            let rows = Rc::new(3);
            fetch().await;
            *rows
        });
        drop(child);
    });
    drop(rt::block_on(run));
}
