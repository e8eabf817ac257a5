//! Causes for other programs, as JSON: the feature `serde` of the core.
//!
//! A program sends why it stopped. Another reads that, and cancels its own work with it.
//!
//! ```text
//! shutting_down: Some("deploy of build 71")
//! cancelled: shutting down: deploy of build 71, on node b7 (set at src/main.rs:17)
//! ```

use cancelable_core::cause::CauseRecord;
use cancelable_core::{CancellationToken, Cause, Reason};
use std::error::Error;

pub fn main() -> Result<(), Box<dyn Error>> {
    let runtime = rt::block_on(async { rt::current() })?;
    let here = CancellationToken::new();
    here.cancel_with(Cause::new(Reason::ShuttingDown).with_message("deploy of build 71"));

    // The record has the age of the cause, because the clocks of two machines differ.
    let cause = here.cause().ok_or("not cancelled")?;
    let sent = serde_json::to_string(&cause.record(runtime.now()))?;

    let received: CauseRecord = serde_json::from_str(&sent)?;
    println!("{}: {:?}", received.kind(), received.message());

    let there = CancellationToken::new();
    there.cancel_with(Cause::remote(received, "b7"));
    if let Err(cancelled) = there.check() {
        println!("{cancelled}");
    }
    Ok(())
}
