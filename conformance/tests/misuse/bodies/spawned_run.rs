//! A run whose body is not `Send`, in a task.

use cancelable_core::Scope;
use std::rc::Rc;

async fn fetch() {}

async fn import(scope: Scope) {
    let run = scope.run(async |_| {
        let rows = Rc::new(3);
        fetch().await;
        *rows
    });
    drop(run.await);
}

fn main() {
    drop(tokio::spawn(import(Scope::builder("import").build().unwrap())));
}
