//! A builder that is not of a scope's child cannot spawn.

use cancelable_core::Scope;

fn start(op: &Scope) {
    let _ = Scope::builder("fetch").parent(op).spawn(async |_| 42);
    let _ = op.child("fetch").detached().spawn(async |_| 42);
}

fn main() {}
