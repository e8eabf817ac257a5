//! Stages that share the deadline of their request, and a report of the stage that used it up.
//!
//! Each stage tells the service that it calls how much time is left. The deadline ends the stage that runs then, and the
//! body has the time to return its report.
//!
//! ```text
//! fetch is called: 499 ms left
//! convert is called: 448 ms left
//! store is called: 426 ms left
//! fetch ran for 51 ms
//! convert ran for 21 ms
//! store ran for 428 ms, and used up the rest
//! request cancelled after 501.5 ms: timed out (limit 500 ms, set at src/main.rs:44)
//! ```

use cancelable_core::Scope;
use std::error::Error;
use std::future::pending;
use std::time::Duration;

const BUDGET: Duration = Duration::from_millis(500);

/// Calls a service, and passes the time that is left on, as a header of the request does. A service without an answer
/// takes `None`.
async fn call(op: &Scope, takes: Option<Duration>) -> Result<(), Box<dyn Error>> {
    let left = op.remaining().ok_or("the scope has no deadline")?;
    println!("{} is called: {} ms left", op.name(), left.as_millis());
    let runtime = op.runtime().ok_or("the scope has no runtime")?;
    match takes {
        Some(time) => runtime.sleep(time).await,
        None => pending().await,
    }
    Ok(())
}

pub fn main() -> Result<(), Box<dyn Error>> {
    let stages = [
        ("fetch", Some(Duration::from_millis(50))),
        ("convert", Some(Duration::from_millis(20))),
        ("store", None),
        ("notify", Some(Duration::from_millis(10))),
    ];
    rt::block_on(async {
        let request = rt::scope("request").timeout(BUDGET);
        let outcome = request.try_run(async |op: Scope| {
            let mut report = Vec::new();
            for (name, takes) in stages {
                let stage = op.child(name).build()?;
                let ended = stage
                    .try_run(async |op: Scope| call(&op, takes).await)
                    .await;
                let took = stage.elapsed().unwrap_or_default().as_millis();
                match ended.complete() {
                    Ok(()) => report.push(format!("{name} ran for {took} ms")),
                    Err(error) if error.is_cancelled() => {
                        report.push(format!("{name} ran for {took} ms, and used up the rest"));
                        break;
                    }
                    Err(error) => return Err(error.flatten()),
                }
            }
            Ok(report)
        });
        let outcome = outcome.await;
        for line in outcome.value().into_iter().flatten() {
            println!("{line}");
        }
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
