use cancelable_core::{Scope, cancelable};

#[cancelable(timeout = "1s")]
fn not_async() {}

#[cancelable]
struct NoFunction;

#[cancelable]
async fn two_scopes(#[scope] one: &Scope, #[scope] two: &Scope) {}

#[cancelable]
async fn with_a_value(#[scope(x)] one: &Scope) {}

fn main() {}
