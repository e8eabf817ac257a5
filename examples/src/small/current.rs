//! The current operation: code deep below a scope finds it, without a parameter.
//!
//! Such code can check for a cancel, report progress, or open a scope that belongs to the caller's. Children and
//! blocking calls have their own operation as the current one. A plain thread is given one.
//!
//! ```text
//! a is parsed outside of all scopes
//! b is parsed inside import
//! c is parsed inside file
//! true
//! d is parsed inside import
//! true
//! import cancelled after 619 us: cancel requested: enough (at src/main.rs:46)
//! a cancel was requested: true
//! ```

use cancelable_core::{Cancelled, Scope, current};
use std::error::Error;
use std::thread;

/// A function of a library, which may be called inside a scope or outside.
fn parse(text: &str) -> Result<usize, Cancelled> {
    match current() {
        Some(op) => {
            op.check()?;
            op.progress().advance(1);
            println!("{text} is parsed inside {}", op.name());
        }
        None => println!("{text} is parsed outside of all scopes"),
    }
    Ok(text.len())
}

pub fn main() -> Result<(), Box<dyn Error>> {
    parse("a")?;
    rt::block_on(async {
        let import = rt::scope("import").try_run(async |op: Scope| {
            parse("b")?;
            let child = op.child("file").spawn(async |_| parse("c").is_ok())?;
            println!("{}", child.await?);

            let operation = op.operation().clone();
            let thread = thread::spawn(move || operation.in_scope(|| parse("d").is_ok()));
            println!("{}", thread.join().map_err(|_| "the thread panicked")?);

            op.cancel_with("enough");
            if let Err(cancelled) = parse("e") {
                println!("{cancelled}");
            }
            Ok::<_, Box<dyn Error>>(())
        });
        println!("a cancel was requested: {}", import.await.cause().is_some());
        Ok(())
    })
}
