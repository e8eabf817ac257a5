//! A program without async code: scopes on the calling thread, with a time limit and with a thread of their own.
//!
//! A cancel cannot stop a thread, so the code checks, or waits for its token. A scope waits for the threads that it has
//! started.
//!
//! Runs on: thread
//!
//! ```text
//! counted something: true
//! count cancelled after 101.4 ms: timed out (limit 100 ms, set at src/main.rs:21)
//! the helper was told: Some("closed by an operator")
//! serve cancelled after 647.7 us: cancel requested: closed by an operator (at src/main.rs:38 by helper)
//! the helper has ended
//! ```

use std::error::Error;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    let count = rt::scope("count")
        .timeout(Duration::from_millis(100))
        .build()?;
    let outcome = count.run_blocking(|op| {
        let mut counted = 0_u64;
        while op.check().is_ok() {
            counted += 1;
        }
        println!("counted something: {}", counted > 0);
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
