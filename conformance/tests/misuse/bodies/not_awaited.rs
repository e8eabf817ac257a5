//! A run that nobody awaits.
#![deny(unused_must_use)]

use cancelable_core::Scope;

async fn import(scope: &Scope) {
    scope.child("page").run(async |_| ());
}

fn main() {
    let _ = import;
}
