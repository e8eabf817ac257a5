//! A dump: all open operations as a tree in text, with what each waits for.
//!
//! It answers why a program does not go on, or does not stop.
//!
//! ```text
//! 3 operations are open
//! #1 sync: running for 209.9 us, 59.9 s left; in its body; opened at src/main.rs:27 260.3 us ago
//!   #2 fetch: running for 159.7 us, 59.9 s left [host=north]; in its body; opened at src/main.rs:31 180.5 us ago
//!   #3 save: running for 67.6 us, 59.9 s left, cancel cause: cancel requested: the user left (at src/main.rs:36); in its body; cancelled 47.6 us ago; under the shield opened at src/main.rs:39 61.1 us ago; opened at src/main.rs:33 177 us ago
//! completed
//! no operation is open
//! ```

use cancelable_core::{Registry, Scope};
use futures_util::future::select;
use std::error::Error;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // `kill -USR1` prints the dump of a running program, even if its runtime hangs.
        #[cfg(unix)]
        rt::dump_on_signal(Registry::global())?.detach();

        let sync = rt::scope("sync")
            .timeout(Duration::from_secs(60))
            .register();
        let sync = sync.run(async |op: Scope| {
            let fetch = op.child("fetch").metadata("host", "north");
            let fetch = fetch.run(async |_| pending::<()>().await);
            let save = op.child("save").run(async |save: Scope| {
                // The save is cancelled, and does not end before its shield does.
                let commit = async {
                    save.cancel_with("the user left");
                    print!("{}", Registry::global().dump());
                };
                save.shield(commit).await;
            });
            // Polls the one and then the other, and ends with the first that is ready.
            select(pin!(fetch), pin!(save)).await;
        });
        println!("{}", sync.await.status());
        print!("{}", Registry::global().dump());
        Ok(())
    })
}
