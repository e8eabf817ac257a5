//! A watchdog: a report of what has not stopped, some time after the cancel.
//!
//! Without a hook the report goes to the log. `unfinished()` has the same answer at any moment.
//!
//! ```text
//! watchdog: blocking call read, opened at src/main.rs:28, still runs 20.2 ms after it was cancelled
//! completed
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let (reported, reports) = mpsc::channel();
        let import =
            rt::scope("import").watchdog_with(Duration::from_millis(20), move |stragglers| {
                for straggler in stragglers {
                    println!("watchdog: {straggler}");
                }
                let _ = reported.send(());
            });
        let outcome = import.try_run(async |op: Scope| {
            // A call that does not look at its token. It ends after the report.
            let operation = op.operation().clone();
            op.child("read").spawn_blocking(move |_| {
                operation.cancel_with("the user left");
                reports.recv()
            })?;
            Ok::<_, Box<dyn Error>>(())
        });
        println!("{}", outcome.await.status());
        Ok(())
    })
}
