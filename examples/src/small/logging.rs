//! The log of the library, through the crate `log` and a logger such as `env_logger`.
//!
//! All lines have the target `cancelable`. In normal use nothing is above debug, so `RUST_LOG=cancelable=debug` shows
//! the life of each operation. A warning is for what a program should not do: here a scope that was never run.
//!
//! ```text
//! [DEBUG cancelable] import is pending
//! [DEBUG cancelable] import is running
//! [DEBUG cancelable] token of import cancelled: timed out (limit 20 ms, set at src/main.rs:35 by import)
//! [DEBUG cancelable] import is being cancelled: timed out (limit 20 ms, set at src/main.rs:35 by import)
//! [DEBUG cancelable] import is cancelled, cancel cause: timed out (limit 20 ms, set at src/main.rs:35 by import)
//! import is cancelled
//! [DEBUG cancelable] parse is pending
//! [DEBUG cancelable] parse is running
//! [DEBUG cancelable] parse is failed: invalid digit found in string
//! parse is failed
//! [DEBUG cancelable] forgotten is pending
//! [WARN  cancelable] forgotten was dropped without being run; it was opened at src/main.rs:42:14
//! ```

use cancelable_core::Scope;
use log::LevelFilter;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    // A program would call `env_logger::init()`, which reads `RUST_LOG` and prints the time as well.
    env_logger::Builder::new()
        .filter_module("cancelable", LevelFilter::Debug)
        .format_timestamp(None)
        .init();

    rt::block_on(async {
        let import = rt::scope("import").timeout(Duration::from_millis(20));
        let outcome = import.run(async |_| pending::<()>().await).await;
        println!("import is {}", outcome.status());

        let parse = rt::scope("parse").try_run(async |_| "x".parse::<u32>());
        println!("parse is {}", parse.with_error_text().await.status());

        drop(Scope::builder("forgotten").build()?);
        Ok(())
    })
}
