//! Children: tasks that a scope starts, and joins before its run returns.
//!
//! The first child that fails cancels its siblings. With `collect_all()` the others go on, and the outcome has all
//! failures.
//!
//! ```text
//! sum: 3
//! child three failed: invalid digit found in string
//! child four failed: invalid digit found in string
//! five: 5
//! 1 failed
//! ```

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use std::error::Error;
use std::future::pending;

async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let sum = rt::scope("sum").try_run(async |op: Scope| {
            let one = op.try_spawn(parse("1"))?;
            let two = op.child("two").try_spawn(async |_| parse("2").await)?;
            Ok::<_, Box<dyn Error>>(one.await? + two.await?)
        });
        println!("sum: {}", sum.await.complete().map_err(RunError::flatten)?);

        // One child fails, and the other never ends by itself. A handle that is dropped leaves its child at work.
        let failing = rt::scope("failing").run(async |op: Scope| {
            drop(op.spawn(pending::<()>()));
            drop(op.child("three").try_spawn(async |_| parse("three").await));
            pending::<()>().await;
        });
        if let Err(error) = failing.await.complete() {
            println!("{error}");
        }

        let collecting = rt::scope("collecting").collect_all();
        let collecting = collecting.try_run(async |op: Scope| {
            let four = op.child("four").try_spawn(async |_| parse("four").await)?;
            let five = op.child("five").try_spawn(async |_| parse("5").await)?;
            if let Err(error) = four.await {
                println!("{error}");
            }
            println!("five: {}", five.await?);
            Ok::<_, Box<dyn Error>>(())
        });
        println!("{} failed", collecting.await.child_failures().len());
        Ok(())
    })
}
