//! A lock that is held while a child awaits.

use cancelable_core::Scope;
use cancelable_tokio as rt;
use std::sync::{Arc, Mutex};

async fn fetch() {}

fn main() {
    let rows = Arc::new(Mutex::new(0));
    let run = rt::scope("import").run(async |op: Scope| {
        let child = op.spawn(async move {
            let mut rows = rows.lock().unwrap();
            fetch().await;
            *rows += 1;
        });
        drop(child);
    });
    drop(rt::block_on(run));
}
