//! A child that has captured a value that stays on its thread.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::rc::Rc;

fn main() {
    let run = rt::scope("import").run(async |op: Scope| {
        let pages = Rc::new(3);
        let count = op.child("count").spawn(async move |_| *pages);
        drop(count);
    });
    drop(rt::block_on(run));
}
