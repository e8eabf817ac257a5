//! A source of one's own: a type with a name, and a future that resolves to the cause.
//!
//! This one fires when no heartbeat came for a while.
//!
//! ```text
//! worker cancelled after 40.3 ms: a source fired: no heartbeat for a while (set at src/main.rs:43)
//! ```

use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::{Cause, Reason};
use std::borrow::Cow;
use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

struct Silence {
    beats: Arc<AtomicU64>,
    limit: Duration,
}

impl Source for Silence {
    fn name(&self) -> Cow<'static, str> {
        "heartbeat".into()
    }

    /// A source that uses timers says so. A scope without a runtime refuses it.
    fn needs_runtime(&self) -> bool {
        true
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context
            .runtime()
            .ok_or_else(|| SourceError::new("no runtime"))?
            .clone();
        Ok(Box::pin(async move {
            loop {
                let before = self.beats.load(Ordering::Relaxed);
                runtime.sleep(self.limit).await;
                if self.beats.load(Ordering::Relaxed) == before {
                    return Cause::new(Reason::Source).with_message("no heartbeat for a while");
                }
            }
        }))
    }
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let beats = Arc::new(AtomicU64::new(0));
        let limit = Duration::from_millis(20);
        let silence = Silence {
            beats: beats.clone(),
            limit,
        };
        let worker = rt::scope("worker").source(silence).run(async |_| {
            beats.fetch_add(1, Ordering::Relaxed);
            // It hangs, and no second heartbeat comes.
            pending::<()>().await;
        });
        if let Err(error) = worker.await.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
