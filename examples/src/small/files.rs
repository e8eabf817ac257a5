//! Files as sources: work stops when a file appears, changes or disappears.
//!
//! The events of the system are used. Without events, as on a network disk, the file is checked in an interval.
//!
//! ```text
//! serve cancelled after 47.3 ms: a watched file changed: /home/ann/stop is there (set at src/main.rs:21)
//! reload cancelled after 34.6 ms: a watched file changed: /home/ann/stop was written to (set at src/main.rs:31)
//! hold cancelled after 18.3 ms: a watched file changed: /home/ann/stop is not there (set at src/main.rs:49)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::fs;
use std::future::pending;
use std::io;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // The file need not exist when the source is made.
        let stop = rt::file_appears("stop")?;
        let serve = rt::scope("serve").source(stop).try_run(async |_| {
            fs::write("stop", "")?;
            pending::<io::Result<()>>().await
        });
        if let Err(error) = serve.await.complete() {
            println!("{error}");
        }

        // Without events a write is found by the length and the time of the file.
        let change = rt::file_changes("stop")?
            .every(Duration::from_millis(10))?
            .polling();
        let reload = rt::scope("reload")
            .source(change)
            .try_run(async |op: Scope| {
                let mut text = String::new();
                while op.check().is_ok() {
                    text.push('x');
                    fs::write("stop", &text)?;
                    rt::current()?.sleep(Duration::from_millis(5)).await;
                }
                Ok::<_, Box<dyn Error>>(())
            });
        if let Err(error) = reload.await.complete() {
            println!("{error}");
        }

        let lock = rt::file_disappears("stop")?;
        let hold = rt::scope("hold").source(lock).try_run(async |_| {
            fs::remove_file("stop")?;
            pending::<io::Result<()>>().await
        });
        if let Err(error) = hold.await.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
