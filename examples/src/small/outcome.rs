//! The ways in which a run ends, and how a program tells them apart.
//!
//! `complete()` returns the value only if nothing was cut or failed. It is the call for most programs.
//!
//! ```text
//! completed, timed out: false
//!   value 7
//! failed, timed out: false
//!   error: invalid digit found in string
//! cancelled, timed out: false
//!   error: stopped cancelled after 16.9 us: cancel requested: the user left (at src/main.rs:39)
//! cancelled, timed out: true
//!   error: slow cancelled after 20.2 ms: timed out (limit 20 ms, set at src/main.rs:44)
//! value Some(8)
//! completed, timed out: false
//!   error: finished cancelled after 13.3 us: cancel requested: too late (at src/main.rs:50)
//! ```

use cancelable_core::{Outcome, Scope};
use std::error::Error;
use std::future::pending;
use std::num::ParseIntError;
use std::time::Duration;

fn show(outcome: Outcome<u32, ParseIntError>) {
    println!("{}, timed out: {}", outcome.status(), outcome.is_timeout());
    match outcome.complete() {
        Ok(value) => println!("  value {value}"),
        Err(error) => println!("  error: {error}"),
    }
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        show(rt::scope("parse").try_run(async |_| "7".parse()).await);
        show(rt::scope("parse").try_run(async |_| "seven".parse()).await);

        let stopped = rt::scope("stopped").try_run(async |op: Scope| {
            op.cancel_with("the user left");
            pending().await
        });
        show(stopped.await);

        let slow = rt::scope("slow").timeout(Duration::from_millis(20));
        show(slow.try_run(async |_| pending().await).await);

        // The cancel came, and the body had its value nevertheless. The value is there, and `complete()` is an error,
        // because the body may have ended early.
        let finished = rt::scope("finished").try_run(async |op: Scope| {
            op.cancel_with("too late");
            Ok(8)
        });
        let outcome = finished.await;
        println!("value {:?}", outcome.value());
        show(outcome);
        Ok(())
    })
}
