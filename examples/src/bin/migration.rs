//! A program that was written for tokio-util's token. To bring it here, one line was changed, and
//! `cause` is there to be asked.

// use tokio_util::sync::CancellationToken;
use cancelable_core::CancellationToken;

use std::time::Duration;

async fn worker(name: &str, token: CancellationToken) {
    let _guard = token.clone().drop_guard();
    match token
        .run_until_cancelled(std::future::pending::<()>())
        .await
    {
        Some(()) => println!("{name}: done"),
        None => println!("{name}: told to stop"),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let server = CancellationToken::new();
        let request = server.child_token();
        let first = runtime.spawn(worker("request", request.clone()));
        let second = runtime.spawn(worker("server", server.clone()));

        request.cancel();
        first.await?;
        println!("the server goes on: {}", !server.is_cancelled());

        runtime.sleep(Duration::from_millis(10)).await;
        server.cancel_with("the operator closed the port");
        second.await?;
        // New: why, and where.
        if let Some(cause) = server.cause() {
            println!("{cause}");
        }
        Ok(())
    })
}
