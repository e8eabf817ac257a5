use cancelable_core::cancelable;

#[cancelable(timeout = "30")]
async fn no_unit() {}

#[cancelable(timeout = "30 sec")]
async fn no_such_unit() {}

#[cancelable(grace = "30s1m")]
async fn out_of_order() {}

#[cancelable(cleanup_budget = "0s")]
async fn nothing() {}

#[cancelable(condition = || true, every = "")]
async fn empty() {}

#[cancelable(timeout = 30)]
async fn number() {}

#[cancelable(timeout = "999999999999999999999s")]
async fn too_long() {}

// A fault in the attribute does not take the function away from its callers.
async fn caller() {
    no_unit().await;
}

fn main() {}
