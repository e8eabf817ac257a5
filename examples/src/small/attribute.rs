//! The attribute `#[cancelable]`, which gives each call of an async function a scope of its own.
//!
//! The return type of the function stays. A call that is cancelled returns an error that says so.
//!
//! ```text
//! index is fetched inside the operation fetch
//! 5 bytes
//! sum of 3 needs no time limit
//! 6
//! hang cancelled after 20.2 ms: timed out (limit 20 ms, set at src/main.rs:24)
//! ```

use cancelable_core::{Operation, cancelable};
use std::error::Error;
use std::future::pending;

/// A call has a minute. Callers do not pass the parameter with the mark `#[scope]`.
#[cancelable(timeout = "1m")]
async fn fetch(page: &str, #[scope] op: &Operation) -> Result<usize, Box<dyn Error>> {
    println!("{page} is fetched inside the operation {}", op.name());
    Ok(page.len())
}

#[cancelable(timeout = "20ms")]
async fn hang() -> Result<(), Box<dyn Error>> {
    pending().await
}

/// A return type that is no `Result` becomes one. Expressions may use the arguments.
#[cancelable(name = format!("sum of {}", numbers.len()))]
async fn sum(numbers: &[u32], #[scope] op: &Operation) -> u32 {
    println!("{} needs no time limit", op.name());
    numbers.iter().sum()
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        println!("{} bytes", fetch("index").await?);
        println!("{}", sum(&[1, 2, 3]).await?);
        if let Err(error) = hang().await {
            println!("{error}");
        }
        Ok(())
    })
}
