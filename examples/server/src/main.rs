//! An axum server whose requests end with their clients, and which stops in phases.
//!
//! Each route has a file. `README.md` shows each route with `curl`.

use cancelable_axum::{Drain, Drained, Keys, Readiness, Stalls, requests, serve};
use clap::Parser;
use common::{Exit, announce, message};
use humantime::parse_duration;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

mod app;
mod events;
mod log_lines;
mod operations;
mod pay;
mod report;
#[cfg(feature = "ws")]
mod socket;
mod tokens;
mod upload;

/// Serve slow routes whose work ends with its client, and stop in phases
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "server", version)]
struct Options {
    /// The address of the server; port 0 for any free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How long the server is unready at a signal before it closes its listener
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = parse_duration)]
    unready: Duration,
    /// How long open requests have to finish before they are cancelled
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = parse_duration)]
    finish: Duration,
    /// How long cancelled requests have to end before their connections are cut
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = parse_duration)]
    grace: Duration,
}

fn main() -> ExitCode {
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(run(options)) {
            Ok(drained) => {
                announce(format_args!("Drained: {drained}"));
                // Ends the program by the signal that stopped it.
                Exit::stopped(&drained.cause)
            }
            Err(error) => Exit::failed("server", error),
        },
    };
    exit.leave()
}

async fn run(options: Options) -> Result<Drained, Box<dyn Error>> {
    log_lines::start();
    let server = rt::scope("server").register().build()?;
    let readiness = Readiness::new();
    // A real server takes the user from its authentication.
    let keys = Keys::with_owner(|head| Some(head.headers.get("x-user")?.to_str().ok()?.to_owned()));
    let layer = requests(&server)
        .timeout(Duration::from_secs(30))
        .longest(Duration::from_secs(300))
        .grace(Duration::from_secs(5))
        .keys(&keys);
    let app = app::routes(&readiness, &keys).layer(layer);

    let listener = TcpListener::bind(options.listen).await?;
    message(format_args!(
        "listening on http://{}",
        listener.local_addr()?
    ));
    let drain = Drain::new()
        .unready(options.unready)
        .finish(options.finish)
        .grace(options.grace);
    let stalls = Stalls::new()
        .head(Duration::from_secs(10))
        .body(Duration::from_secs(5))
        .write(Duration::from_secs(30));
    let drained = serve(listener, app, &server)
        .stop_on(rt::shutdown)
        .drain(drain)
        .stalls(stalls)
        .readiness(&readiness)
        .await?;
    Ok(drained)
}
