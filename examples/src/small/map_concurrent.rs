//! Results of work on many items, a few at a time: in the order of the items, or as they come.
//!
//! Work that can fail ends at the first error, with the results before it.
//!
//! ```text
//! ["slow", "quick"]
//! ["quick", "slow"]
//! [1, 2]
//! invalid digit found in string
//! ```

use cancelable_core::stream::CancellableStream;
use cancelable_core::{Scope, stream};
use std::cell::Cell;
use std::error::Error;
use std::num::{NonZeroUsize, ParseIntError};
use std::time::Duration;

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

async fn parse(text: &str) -> Result<u32, ParseIntError> {
    text.parse()
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        // The slow page comes after the quick one.
        let quick_has_come = Cell::new(false);
        let fetch = async |page: &'static str| {
            if page == "quick" {
                quick_has_come.set(true);
            }
            while !quick_has_come.get() {
                runtime.sleep(Duration::from_millis(1)).await;
            }
            page
        };
        let pages = ["slow", "quick"];

        let ordered = rt::scope("ordered").try_run(async |op: Scope| {
            let fetched = op.map_concurrent(AT_ONCE, stream::iter(pages), &fetch);
            fetched.into_vec().await
        });
        println!("{:?}", ordered.await.complete()?);

        quick_has_come.set(false);
        let unordered = rt::scope("unordered").try_run(async |op: Scope| {
            let fetched = op.map_concurrent(AT_ONCE, stream::iter(pages), &fetch);
            fetched.unordered().into_vec().await
        });
        println!("{:?}", unordered.await.complete()?);

        let numbers = rt::scope("numbers").run(async |op: Scope| {
            let numbers = op.map_concurrent(AT_ONCE, stream::iter(["1", "2", "three", "4"]), parse);
            numbers.try_collect_partial::<Vec<_>, _, _>().await
        });
        let collected = numbers.await.complete()?;
        println!("{:?}", collected.items());
        if let Some(error) = collected.error() {
            println!("{error}");
        }
        Ok(())
    })
}
