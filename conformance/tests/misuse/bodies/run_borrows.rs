//! A run in a task that borrows from the function that spawns it.

use cancelable_core::Scope;

async fn import(scope: Scope) {
    let pages = vec![1, 2, 3];
    let task = tokio::spawn(scope.run(async |_| pages.len()));
    drop(task.await);
}

fn main() {
    let _ = import;
}
