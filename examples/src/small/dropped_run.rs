//! A run that is dropped before its end, by a `select` or a timeout around it: its cleanup runs nevertheless.
//!
//! The runtime runs it, and the scope around waits for it before its own cleanup.
//!
//! ```text
//! serve: the request is dropped
//! request: the transaction is rolled back
//! serve: the database is closed
//! all is closed
//! ```

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use futures_util::future::select;
use std::error::Error;
use std::future::{pending, ready};
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let serve = rt::scope("serve").try_run(async |op: Scope| {
            op.defer(async { println!("serve: the database is closed") })?;

            let request = op.child("request").try_run(async |request: Scope| {
                let pause = runtime.sleep(Duration::from_millis(10));
                request.defer(async move {
                    pause.await;
                    println!("request: the transaction is rolled back");
                })?;
                pending::<Result<(), Box<dyn Error>>>().await
            });
            // The request is polled once, because the other future is ready, and then dropped.
            let mut request = Box::pin(request);
            select(&mut request, ready(())).await;
            println!("serve: the request is dropped");
            drop(request);
            Ok::<_, Box<dyn Error>>(())
        });
        serve.await.complete().map_err(RunError::flatten)?;
        println!("all is closed");
        Ok(())
    })
}
