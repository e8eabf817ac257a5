use cancelable_core::{Scope, cancelable};

#[cancelable(parent = scope, detached)]
async fn parent_of_nothing(scope: &Scope) {}

#[cancelable(runtime = scope.runtime().unwrap(), inherit_runtime)]
async fn two_runtimes(scope: &Scope) {}

#[cancelable(detached, inherit_runtime)]
async fn nothing_to_inherit() {}

#[cancelable(every = "1s")]
async fn nothing_to_ask() {}

fn main() {}
