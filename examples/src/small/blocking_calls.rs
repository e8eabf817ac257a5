//! Blocking calls: work on a thread, which is told of the cancel by its token.
//!
//! The scope waits for the thread. With a grace period it waits no longer than that, and says that the thread was
//! abandoned.
//!
//! ```text
//! sum: 500500
//! abandoned: true, blocking call read was abandoned: it has not ended 10 ms after its cancel; let it check its token
//! the scope ended with open work: blocking call read, opened at src/main.rs:32, was abandoned and still runs 10.1 ms after it was cancelled
//! ```

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let sum = rt::scope("sum").try_run(async |op: Scope| {
            let adding = op.try_spawn_blocking(|token| {
                let add = |sum: u64, number| token.check().map(|()| sum + number);
                (1..=1000).try_fold(0, add)
            })?;
            Ok::<_, Box<dyn Error>>(adding.await?)
        });
        println!("sum: {}", sum.await.complete().map_err(RunError::flatten)?);

        // This call does not look at its token: it hangs until somebody sends something.
        let (sender, receiver) = mpsc::channel::<()>();
        let import = rt::scope("import").try_run(async |op: Scope| {
            let hanging = op.child("read").grace(Duration::from_millis(10));
            let hanging = hanging.spawn_blocking(move |token| {
                // From elsewhere, while the call runs.
                token.cancel_with("no longer needed");
                receiver.recv()
            })?;
            if let Err(error) = hanging.await {
                println!("abandoned: {}, {error}", error.is_abandoned());
            }
            Ok::<_, Box<dyn Error>>(())
        });
        if let Err(error) = import.await.complete() {
            println!("{error}");
        }
        // Only now the thread ends.
        drop(sender);
        Ok(())
    })
}
