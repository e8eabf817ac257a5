//! Waits for a server: tries to connect, with pauses that grow, until that works, Ctrl-C comes or
//! the time is up. The loop is the `backon` crate's; its pauses are the runtime's.

use backon::{ExponentialBuilder, Retryable};
use cancelable_core::Scope;
use clap::Parser;
use humantime::{format_duration, parse_duration};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Wait until a server takes connections.
#[derive(Debug, Parser)]
#[command(name = "retry", version)]
struct Options {
    /// The server, as HOST:PORT
    address: String,

    /// The pause after the first try; each one after it is twice as long
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = parse_duration)]
    pause: Duration,

    /// How long to wait in all
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    timeout: Duration,
}

/// How long a try may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    rt::block_on(async {
        let runtime = rt::current()?;
        let scope = Scope::builder("waiting")
            .runtime(&runtime)
            .timeout(options.timeout)
            .source(rt::ctrl_c())
            .build()?;
        let tries = AtomicU32::new(0);
        let outcome = scope.try_run(async |op| {
            // Each try runs inside the operation and ends with it. The pauses are a part of this body,
            // which is dropped when the scope is cancelled.
            let connect = op.wrap(|| {
                tries.fetch_add(1, Ordering::Relaxed);
                let address = options.address.clone();
                // A thread that hangs in it is left behind, and ends by itself.
                let call = runtime.spawn_blocking(move || connect(&address));
                async { call.await.map_err(io::Error::other)? }
            });
            let pauses = ExponentialBuilder::new()
                .with_min_delay(options.pause)
                .with_max_delay(Duration::MAX)
                .with_factor(2.0)
                .without_max_times();
            let sleep = runtime.clone();
            connect
                .retry(pauses)
                .sleep(move |pause| sleep.sleep(pause))
                .when(|error| !error.is_cancelled())
                .notify(|error, pause| {
                    let tries = tries.load(Ordering::Relaxed);
                    println!("try {tries}: {error}; again in {}", format_duration(pause));
                })
                .await
        });
        Ok(match outcome.await.into_result() {
            Ok(()) => {
                println!("connected at try {}", tries.load(Ordering::Relaxed));
                ExitCode::SUCCESS
            }
            Err(error) => {
                println!("{error}");
                ExitCode::FAILURE
            }
        })
    })
}

/// Connects to the first of the addresses that can be connected to.
fn connect(address: &str) -> io::Result<()> {
    let mut last = io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
