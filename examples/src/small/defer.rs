//! Finalizers: async cleanup that runs however the scope ends.
//!
//! They run last first, after the body is gone, and are not cancelled themselves. The same happens when the whole run
//! is dropped, for example by a `select!`: the runtime runs them then.
//!
//! ```text
//! the transaction is rolled back
//! the connection is closed
//! finalizer remove the lock, deferred at src/main.rs:30, failed: no lock
//! import cancelled after 5.1 ms: cancel requested: the user left (at src/main.rs:33)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let import = rt::scope("import").cleanup_budget(Duration::from_secs(10));
        let outcome = import.try_run(async |op: Scope| {
            op.defer(async { println!("the connection is closed") })?;
            let sleep = runtime.sleep(Duration::from_millis(5));
            op.defer(async move {
                sleep.await;
                println!("the transaction is rolled back");
            })?;
            // A finalizer may fail, and stops no other.
            op.defer_named("remove the lock", async {
                std::fs::remove_file("no-such-lock").map_err(|_| "no lock")
            })?;
            op.cancel_with("the user left");
            pending::<Result<(), Box<dyn Error>>>().await
        });
        let outcome = outcome.await;
        for error in outcome.cleanup_errors() {
            println!("{error}");
        }
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
