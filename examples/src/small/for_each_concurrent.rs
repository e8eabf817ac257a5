//! Work on many items, a few at a time, in the body of the scope and without a task for each.
//!
//! A cancel stops the pulling of items. The output is an error then, so a part cannot pass for the whole.
//!
//! ```text
//! 20 pages, at most 4 at once
//! endless crawl cancelled after 39.5 us: cancel requested: enough (at src/main.rs:42)
//! ```

use cancelable_core::{Scope, stream};
use std::cell::Cell;
use std::error::Error;
use std::num::NonZeroUsize;
use std::time::Duration;

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        // The items are worked on by the one task that polls the scope, so a `Cell` will do.
        let (running, most, done) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let fetch = async |_page: u32| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            runtime.sleep(Duration::from_millis(1)).await;
            running.set(running.get() - 1);
            done.set(done.get() + 1);
        };

        let crawl = rt::scope("crawl").try_run(async |op: Scope| {
            op.for_each_concurrent(AT_ONCE, stream::iter(1..=20), &fetch)
                .await
        });
        crawl.await.complete()?;
        println!("{} pages, at most {} at once", done.get(), most.get());

        // The pages have no end. The eighth stops the work.
        let endless = rt::scope("endless crawl").try_run(async |op: Scope| {
            let fetch = async |page: u32| {
                if page == 8 {
                    op.cancel_with("enough");
                }
            };
            op.for_each_concurrent(AT_ONCE, stream::iter(1..), fetch)
                .await
        });
        if let Err(error) = endless.await.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
