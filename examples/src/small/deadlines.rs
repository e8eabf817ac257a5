//! Time limits: of one future, of a scope, and of a scope inside another.
//!
//! A child may shorten the time of its parent and never extends it. A limit can be moved while the work runs. The error
//! names the limit that ended the work.
//!
//! ```text
//! cancelled after 20.2 ms: timed out (limit 20 ms, set at src/main.rs:23)
//! the query has an hour at most: true
//! query cancelled after 20.2 ms: timed out (limit 20 ms counted from 71.6 us on, set at src/main.rs:37 by request)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);
const HOUR: Duration = Duration::from_secs(3600);

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // The limit of one future, without a scope.
        if let Err(cancelled) = rt::timeout(SHORT, pending::<()>()).await {
            println!("{cancelled}");
        }

        let request = rt::scope("request")
            .timeout(HOUR)
            .try_run(async |request: Scope| {
                // The query asks for more than the request leaves.
                let query = request.child("query").timeout(10 * HOUR);
                let query = query.try_run(async |query: Scope| {
                    let left = query.remaining().is_some_and(|left| left <= HOUR);
                    println!("the query has an hour at most: {left}");

                    // Now the request has less, and so has the query.
                    request.set_timeout(SHORT)?;
                    pending::<Result<(), Box<dyn Error>>>().await
                });
                query.await.complete()
            });
        if let Some(error) = request.await.error() {
            println!("{error}");
        }
        Ok(())
    })
}
