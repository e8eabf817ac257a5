//! A plain thread that lists and cancels async jobs, for clients with a socket.
//!
//! A registry is called from any thread, and needs no async code. The handler waits for the end of a job by the events
//! of the registry, and blocks only its own thread.
//!
//! ```text
//! > list
//! #1 jobs
//! #2 import
//! #3 export
//! > cancel 2
//! cancelled
//! > cancel 2
//! already ended
//! > list
//! #1 jobs
//! #3 export
//! jobs cancelled after 278 ms: cancel requested: the client has left (at src/main.rs:90)
//! ```

use cancelable_core::cause::OperationId;
use cancelable_core::registry::{Event, Filter};
use cancelable_core::{Registry, Scope};
use futures_util::future::join;
use std::error::Error;
use std::future::pending;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;

/// Answers one client. Each request is a line, and each answer ends with an empty line.
fn handle(mut client: TcpStream, jobs: &Registry) -> io::Result<()> {
    for request in BufReader::new(client.try_clone()?).lines() {
        let request = request?;
        let number = request
            .strip_prefix("cancel ")
            .map(str::parse::<NonZeroU64>);
        let answer = match number {
            Some(Ok(number)) => cancel(jobs, number.into()) + "\n",
            Some(Err(error)) => format!("{error}\n"),
            None => {
                let jobs = jobs.list(&Filter::new()).into_iter();
                jobs.map(|job| format!("{} {}\n", job.id(), job.name()))
                    .collect()
            }
        };
        client.write_all((answer + "\n").as_bytes())?;
    }
    Ok(())
}

/// Cancels a job, and waits for its end.
fn cancel(jobs: &Registry, id: OperationId) -> String {
    let mut events = jobs.events();
    let result = jobs.cancel_with(id, "asked for by a client");
    while result.is_cancelled() && !matches!(events.wait(), Event::Ended(job) if job.id() == id) {}
    result.to_string()
}

fn client(address: SocketAddr) -> io::Result<()> {
    let mut handler = TcpStream::connect(address)?;
    let mut answers = BufReader::new(handler.try_clone()?).lines();
    for request in ["list", "cancel 2", "cancel 2", "list"] {
        println!("> {request}");
        handler.write_all(format!("{request}\n").as_bytes())?;
        while let Some(line) = answers.next().transpose()?.filter(|line| !line.is_empty()) {
            println!("{line}");
        }
    }
    Ok(())
}

pub fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let jobs = registry.clone();
    let handler = std::thread::spawn(move || handle(listener.accept()?.0, &jobs));

    rt::block_on(async {
        let runtime = rt::current()?;
        let jobs = rt::scope("jobs").register_in(&registry).build()?;
        let run = jobs.run(async |op: Scope| {
            drop(op.child("import").spawn(async |_| pending::<()>().await));
            drop(op.child("export").spawn(async |_| pending::<()>().await));
        });
        let client = async {
            // The scope is polled first, and has started its jobs.
            let told = runtime.spawn_blocking(move || client(address)).await;
            jobs.cancel_with("the client has left");
            told
        };
        let (outcome, told) = join(run, client).await;
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok::<_, Box<dyn Error>>(told??)
    })?;
    Ok(handler.join().map_err(|_| "the handler has panicked")??)
}
