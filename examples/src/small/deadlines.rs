//! Time limits: of one future, of a scope, and of a scope inside another.
//!
//! A child may shorten the time of its parent and never extends it. The error names the limit that ended the work.
//!
//! ```text
//! cancelled after 100.1 ms: timed out (limit 100 ms, set at src/main.rs:23)
//! the query has what the request leaves: true
//! query cancelled after 100.2 ms: timed out (limit 100 ms, set at src/main.rs:28 by request)
//! upload cancelled after 100.4 ms: timed out (limit 100 ms counted from 11 us on, set at src/main.rs:45)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // The limit of one future, without a scope.
        if let Err(cancelled) = rt::timeout(SHORT, pending::<()>()).await {
            println!("{cancelled}");
        }

        // The query asks for an hour, and has what the request leaves.
        let request = rt::scope("request").timeout(SHORT);
        let outcome = request.try_run(async |op: Scope| {
            let query = op.child("query").timeout(HOUR);
            let query = query.run(async |op: Scope| {
                let left = op.remaining().is_some_and(|left| left <= SHORT);
                println!("the query has what the request leaves: {left}");
                pending::<()>().await;
            });
            query.await.complete()
        });
        if let Some(error) = outcome.await.error() {
            println!("{error}");
        }

        // A limit can be moved while the work runs.
        let upload = rt::scope("upload").timeout(HOUR);
        let outcome = upload.try_run(async |op: Scope| {
            op.set_timeout(SHORT)?;
            pending::<Result<(), Box<dyn Error>>>().await
        });
        if let Some(error) = outcome.await.error() {
            println!("{error}");
        }
        Ok(())
    })
}
