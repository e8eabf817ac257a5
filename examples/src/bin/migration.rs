//! A program that was written for tokio-util's token. Its migration changed one line; `cause` is
//! new.

// use tokio_util::sync::CancellationToken;
use cancelable_core::CancellationToken;

use common::{Exit, announce, announced, no_options};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

async fn worker(name: &str, token: CancellationToken) {
    let _guard = token.clone().drop_guard();
    match token
        .run_until_cancelled(std::future::pending::<()>())
        .await
    {
        Some(()) => announce(format_args!("{name}: done")),
        None => announce(format_args!("{name}: told to stop")),
    }
}

fn main() -> ExitCode {
    let exit = match no_options("migration", "Tell a request to stop, and then its server") {
        Err(exit) => exit,
        Ok(()) => match serve().and_then(|()| Ok(announced()?)) {
            Ok(()) => Exit::SUCCESS,
            Err(error) => Exit::failed("migration", error),
        },
    };
    exit.leave()
}

fn serve() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let server = CancellationToken::new();
        let request = server.child_token();
        let first = runtime.spawn(worker("request", request.clone()));
        let second = runtime.spawn(worker("server", server.clone()));

        request.cancel();
        first.await?;
        announce(format_args!(
            "the server goes on: {}",
            !server.is_cancelled()
        ));

        runtime.sleep(Duration::from_millis(10)).await;
        server.cancel_with("the operator closed the port");
        second.await?;
        // New: the cause. `announce(cause)` would print the location in the source too, for a log.
        if let Some(cause) = server.cause() {
            announce(cause.without_location());
        }
        Ok(())
    })
}
