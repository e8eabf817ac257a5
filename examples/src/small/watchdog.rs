//! A watchdog: a report of what has not stopped, some time after the cancel.
//!
//! Without a hook the report goes to the log. `unfinished()` has the same answer at any moment.
//!
//! ```text
//! watchdog: operation import, opened at src/main.rs:20, still runs 19.9 ms after it was cancelled; last polled 4.6 ms ago; under the shield opened at src/main.rs:34 19.9 ms ago
//! cancelled
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static REPORTED: AtomicBool = AtomicBool::new(false);

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let watched = rt::scope("import").watchdog_with(Duration::from_millis(20), |stragglers| {
            for straggler in stragglers {
                println!("watchdog: {straggler}");
            }
            REPORTED.store(true, Ordering::Relaxed);
        });
        let outcome = watched.run(async |op: Scope| {
            // A step that takes longer than it should, and that a cancel does not end.
            let slow = async {
                op.cancel_with("the user left");
                while !REPORTED.load(Ordering::Relaxed) {
                    runtime.sleep(Duration::from_millis(5)).await;
                }
            };
            op.shield(slow).await;
        });
        println!("{}", outcome.await.status());
        Ok(())
    })
}
