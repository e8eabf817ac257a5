//! A hold: the scope waits for work that it has not started, such as a task of the runtime.
//!
//! A task that is spawned by the runtime alone survives its scope. With a hold in its hands it is waited for.
//!
//! ```text
//! the body starts a task and ends
//! the task is done, inside serve
//! the scope has ended
//! ```

use cancelable_core::Scope;
use cancelable_core::scope::RunError;
use std::error::Error;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let serve = rt::scope("serve").try_run(async |op: Scope| {
            println!("the body starts a task and ends");
            let (sleeper, hold) = (runtime.clone(), op.hold()?);
            runtime.spawn(async move {
                sleeper.sleep(Duration::from_millis(10)).await;
                println!("the task is done, inside {}", hold.operation().name());
            });
            Ok::<_, Box<dyn Error>>(())
        });
        serve.await.complete().map_err(RunError::flatten)?;
        println!("the scope has ended");
        Ok(())
    })
}
