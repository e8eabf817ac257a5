//! A stream that ends at a cancel, and loses no item that was read.
//!
//! The loop runs to its end, so the last chunk is stored although it is not full.
//!
//! ```text
//! stored ["a", "b", "c"]
//! stored ["d", "e"]
//! the last records: ["d", "e"]
//! 5 records, completed
//! import cancelled after 214.7 us: cancel requested: the user left (at src/main.rs:29)
//! ```

use cancelable_core::Scope;
use cancelable_core::stream::CancellableStream;
use futures_util::{StreamExt, stream};
use std::error::Error;
use std::num::NonZeroUsize;

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let import = rt::scope("import").build()?;
        let outcome = import.run(async |op: Scope| {
            // Five records come, and the sixth never does. The user leaves during the fifth.
            let records = stream::iter(["a", "b", "c", "d", "e"]).chain(stream::pending());
            let records = records.inspect(|record| {
                if *record == "e" {
                    op.cancel_with("the user left");
                }
            });

            // Progress after every two records, and copies of the last two for a report.
            let records = op
                .stream(records)
                .report_every(TWO, op.progress())
                .keep_last(TWO);
            let last = records.last_items();
            let mut chunks = records.chunks(3);
            while let Some(chunk) = chunks.next().await {
                println!("stored {chunk:?}");
            }
            println!("the last records: {:?}", last.to_vec());
        });
        let outcome = outcome.await;
        println!(
            "{} records, {}",
            import.progress().position(),
            outcome.status()
        );
        // The body has come to its end, but the input has not: `complete` is an error.
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
