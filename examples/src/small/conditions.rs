//! Conditions: a question that is asked again and again, and cancels when the answer is yes.
//!
//! A check that may block has a thread of its own. A check that fails is logged and asked again.
//!
//! ```text
//! first cancelled after 2.2 ms: a watched condition came true: stop flag (set at src/main.rs:25)
//! second cancelled after 23.7 us: a watched condition came true: answer (set at src/main.rs:35)
//! third cancelled after 183 us: a watched condition came true: stop file (set at src/main.rs:44)
//! ```

use cancelable_core::source::{condition, condition_async, condition_blocking};
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static STOP: AtomicBool = AtomicBool::new(false);

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let often = Duration::from_millis(2);

        // Asked on the task of the scope.
        let flag = condition(often, || STOP.load(Ordering::Relaxed))?.named("stop flag");
        let first = rt::scope("first").source(flag).run(async |op| {
            STOP.store(true, Ordering::Relaxed);
            op.cancelled().await;
        });
        if let Err(error) = first.await.complete() {
            println!("{error}");
        }

        // A future that is polled on the task of the scope.
        let answer = condition_async(often, async || STOP.load(Ordering::Relaxed))?.named("answer");
        let second = rt::scope("second")
            .source(answer)
            .run(async |op| op.cancelled().await);
        if let Err(error) = second.await.complete() {
            println!("{error}");
        }

        // Asked on a thread, because a disk may hang. The closure may return a `Result`.
        let file = condition_blocking(often, || Path::new("stop").try_exists())?.named("stop file");
        let third = rt::scope("third").source(file).try_run(async |op| {
            File::create("stop")?;
            op.cancelled().await;
            Ok::<_, std::io::Error>(())
        });
        if let Err(error) = third.await.complete() {
            println!("{error}");
        }
        fs::remove_file("stop")?;
        Ok(())
    })
}
