//! A scope that stops when two things have both happened, or after a minute.
//!
//! `all_of` fires with the last of its members, and `any_of` with the first. They nest.
//!
//! ```text
//! the editor was closed
//! the text was saved
//! edit cancelled after 10.4 ms: a source fired: saved (set at src/main.rs:29)
//! ```

use cancelable_core::source::{Limit, all_of, any_of, future};
use std::error::Error;
use std::future::pending;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let closed = async {
            println!("the editor was closed");
        };
        let saved = {
            let runtime = runtime.clone();
            async move {
                runtime.sleep(Duration::from_millis(10)).await;
                println!("the text was saved");
            }
        };
        let done = all_of(future(saved).named("saved")).and(future(closed).named("closed"));
        let edit = rt::scope("edit").source(any_of(done).or(Limit::after(Duration::from_secs(60))));

        // The body does not end by itself. The cause names the last member of `done`.
        let outcome = edit.run(async |_| pending::<()>().await).await;
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
