//! A shield: a step that finishes although the scope is cancelled meanwhile.
//!
//! The cancel is delivered as soon as the shield ends. What follows the shield does not run.
//!
//! ```text
//! taken from the one account
//! given to the other
//! transfer cancelled after 5.4 ms: cancel requested: the user left (at src/main.rs:21)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let transfer = rt::scope("transfer").run(async |op: Scope| {
            let both_or_none = async {
                println!("taken from the one account");
                op.cancel_with("the user left");
                runtime.sleep(Duration::from_millis(5)).await;
                println!("given to the other");
            };
            op.shield(both_or_none).await;
            println!("never printed: the cancel arrives at the end of the shield");
        });
        if let Err(error) = transfer.await.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
