//! A body whose type of error is not stated.

use cancelable_core::Scope;
use cancelable_tokio as rt;

fn main() {
    // Not given to `try_run`: that message has the path of this file, whose length differs from place to place.
    let body = |op: Scope| {
        Box::pin(async move {
            op.check()?;
            Ok(3)
        })
    };
    drop(rt::block_on(rt::scope("import").run(body)));
}
