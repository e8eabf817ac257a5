//! A partial result whose type is not stated.

use cancelable_core::Scope;
use cancelable_tokio as rt;

fn main() {
    let run = rt::scope("import").run(async |op: Scope| op.partial().set(vec![1, 2]));
    let outcome = rt::block_on(run);
    println!("{:?}", outcome.partial());
}
