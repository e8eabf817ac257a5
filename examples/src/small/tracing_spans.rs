//! Spans of `tracing`: with the feature `tracing` of the core, each scope is a span.
//!
//! A line that is logged inside a scope names the scopes around it, also below a child that is a task of its own.
//!
//! ```text
//!  INFO operation{id=1 name="sync"}: two files are new
//!  INFO operation{id=1 name="sync"}:operation{id=2 name="upload"}: the first is sent
//!  INFO outside of all scopes
//! ```

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use std::error::Error;
use tracing::{Level, info};

pub fn main() -> Result<(), Box<dyn Error>> {
    // The spans are at the level debug.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_target(false)
        .with_ansi(false)
        .without_time();
    tracing::subscriber::set_global_default(subscriber.finish())?;

    rt::block_on(async {
        let sync = rt::scope("sync").try_run(async |op: Scope| {
            info!("two files are new");
            let upload = op
                .child("upload")
                .spawn(async |_| info!("the first is sent"))?;
            upload.await?;
            Ok::<_, Box<dyn Error>>(())
        });
        sync.await.complete().map_err(RunError::flatten)?;
        info!("outside of all scopes");
        Ok(())
    })
}
