//! A child that keeps a reference that its function was given.

use cancelable_core::Scope;

async fn count(op: &Scope, name: &str) {
    drop(op.spawn(async move { name.len() }));
}

fn main() {
    let _ = count;
}
