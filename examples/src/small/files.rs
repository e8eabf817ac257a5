//! Files as sources: work stops when a file appears, changes or disappears.
//!
//! The events of the system are used. Without events, as on a network disk, the file is checked in an interval. The
//! message of the cause has the path and what happened there.
//!
//! ```text
//! serve is cancelled, reason: file
//! reload is cancelled, reason: file
//! hold is cancelled, reason: file
//! ```

use cancelable_core::Outcome;
use std::error::Error;
use std::fs;
use std::future::pending;
use std::io;
use std::time::Duration;

fn show(name: &str, outcome: &Outcome<(), io::Error>) {
    if let Some(cause) = outcome.cause() {
        println!("{name} is {}, reason: {}", outcome.status(), cause.reason());
    }
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // The file need not exist when the source is made.
        let stop = rt::file_appears("stop")?;
        let serve = rt::scope("serve").source(stop).try_run(async |_| {
            fs::write("stop", "")?;
            pending().await
        });
        show("serve", &serve.await);

        // Without events, a write is found by the length and the time of the file.
        let change = rt::file_changes("stop")?.polling();
        let change = change.every(Duration::from_millis(10))?;
        let runtime = rt::current()?;
        let reload = rt::scope("reload").source(change).try_run(async |_| {
            let mut text = String::new();
            loop {
                text.push('x');
                fs::write("stop", &text)?;
                runtime.sleep(Duration::from_millis(5)).await;
            }
        });
        show("reload", &reload.await);

        let lock = rt::file_disappears("stop")?;
        let hold = rt::scope("hold").source(lock).try_run(async |_| {
            fs::remove_file("stop")?;
            pending().await
        });
        show("hold", &hold.await);
        Ok(())
    })
}
