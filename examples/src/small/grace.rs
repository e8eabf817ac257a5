//! A grace period: time for a cancelled body to end by itself.
//!
//! The first body sees the request and saves what it has. The second does not listen: it is dropped at the end of its
//! grace period, and named.
//!
//! ```text
//! asked to stop, with time left: true
//! the value counts: Some("saved")
//! operation deaf, opened at src/main.rs:31, still runs 10.1 ms after it was cancelled; last polled 19.2 us ago
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let import = rt::scope("import").grace(Duration::from_secs(30));
        let outcome = import.run(async |op: Scope| {
            op.cancel_with("the user left");
            op.cancelled().await;
            println!(
                "asked to stop, with time left: {}",
                op.grace_remaining().is_some()
            );
            "saved"
        });
        println!("the value counts: {:?}", outcome.await.value());

        let deaf = rt::scope("deaf").grace(Duration::from_millis(10));
        let outcome = deaf.run(async |op: Scope| {
            op.cancel_with("the user left");
            pending::<()>().await;
        });
        let outcome = outcome.await;
        for straggler in outcome.stragglers() {
            println!("{straggler}");
        }
        Ok(())
    })
}
