//! A program without async code: scopes on the calling thread, with a time limit and with a thread of their own.
//!
//! A cancel cannot stop a thread, so the code checks, or waits for its token. A scope waits for the threads that it has
//! started.
//!
//! Runs on: thread
//!
//! ```text
//! count cancelled after 32.5 ms: timed out (limit 20 ms, set at src/main.rs:20)
//! the helper was told: Some("closed by an operator")
//! serve cancelled after 312.3 us: cancel requested: closed by an operator (at src/main.rs:37 by helper)
//! the helper has ended
//! ```

use std::error::Error;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    let count = rt::scope("count")
        .timeout(Duration::from_millis(20))
        .build()?;
    let outcome = count.run_blocking(|op| {
        let mut counted = 0_u64;
        while op.check().is_ok() {
            counted += 1;
        }
        counted
    });
    if let Err(error) = outcome.complete() {
        println!("{error}");
    }

    let serve = rt::scope("serve").build()?;
    let outcome = serve.try_run_blocking(|op| {
        let operation = op.operation().clone();
        op.child("helper").spawn_blocking(move |token| {
            operation.cancel_with("closed by an operator");
            // The thread sleeps until the cancel, which has come from its own scope here.
            token.wait();
            println!("the helper was told: {:?}", token.message());
        })?;
        op.token().wait();
        Ok::<_, Box<dyn Error>>(())
    });
    if let Err(error) = outcome.complete() {
        println!("{error}");
    }
    println!("the helper has ended");
    Ok(())
}
