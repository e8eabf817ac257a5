//! Results of work on many items, a few at a time: in the order of the items, or as they come.
//!
//! Work that can fail ends at the first error, with the results before it.
//!
//! ```text
//! [40, 1, 20]
//! [1, 20, 40]
//! [1, 2]
//! invalid digit found in string
//! ```

use cancelable_core::stream::CancellableStream;
use cancelable_core::{Scope, stream};
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
        // The first takes longest.
        let wait = async |span: u64| {
            runtime.sleep(Duration::from_millis(span)).await;
            span
        };
        let spans = [40, 1, 20];

        let ordered = rt::scope("ordered").try_run(async |op: Scope| {
            op.map_concurrent(AT_ONCE, stream::iter(spans), &wait)
                .into_vec()
                .await
        });
        println!("{:?}", ordered.await.complete()?);

        let unordered = rt::scope("unordered").try_run(async |op: Scope| {
            let waits = op.map_concurrent(AT_ONCE, stream::iter(spans), &wait);
            waits.unordered().into_vec().await
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
