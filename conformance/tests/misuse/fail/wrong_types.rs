use cancelable_core::{Scope, cancelable};

#[derive(Debug)]
struct MyError;

// The error cannot say that it was cancelled.
#[cancelable]
async fn no_conversion() -> Result<(), MyError> {
    Err(MyError)
}

#[cancelable(timeout = "1s".len(), inherit_runtime)]
async fn no_duration() {}

#[cancelable]
async fn no_scope(#[scope] op: &str) {}

#[cancelable]
async fn wrong_value() -> u32 {
    "text"
}

// It is a parameter no more.
async fn caller(scope: &Scope) {
    let _ = marked(scope).await;
}

#[cancelable]
async fn marked(#[scope] op: &Scope) {
    op.cancel();
}

fn main() {}
