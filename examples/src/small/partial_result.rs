//! What is left of work that was cut: a partial result.
//!
//! The outcome has it whichever way the run ends. A stream that is collected says whether it is whole.
//!
//! ```text
//! cancelled, with Some([1, 2, 3])
//! whole: false, [1, 2, 3]
//! collect cancelled after 48.2 us: cancel requested: enough (at src/main.rs:40)
//! ```

use cancelable_core::Scope;
use cancelable_core::stream::CancellableStream;
use futures_util::{StreamExt, stream};
use std::error::Error;
use std::future::pending;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let import = rt::scope("import").try_run(async |op: Scope| {
            for row in 1..=3 {
                op.partial()
                    .update(move |rows: &mut Vec<u32>| rows.push(row))?;
            }
            op.cancel_with("the user left");
            // The fourth row never comes.
            pending::<Result<(), Box<dyn Error>>>().await
        });
        let outcome = import.await;
        println!(
            "{}, with {:?}",
            outcome.status(),
            outcome.partial::<Vec<u32>>()
        );

        // A body that collects a stream returns what it has, without a partial result of its own.
        let collect = rt::scope("collect").run(async |op: Scope| {
            let numbers = stream::iter(1..=3).chain(stream::pending());
            let numbers = numbers.inspect(|number| {
                if *number == 3 {
                    op.cancel_with("enough");
                }
            });
            op.stream(numbers).collect_partial::<Vec<_>>().await
        });
        let collected = collect.await.into_value().ok_or("the body was dropped")?;
        println!(
            "whole: {}, {:?}",
            collected.is_complete(),
            collected.items()
        );
        if let Some(cancelled) = collected.cancellation() {
            println!("{cancelled}");
        }
        Ok(())
    })
}
