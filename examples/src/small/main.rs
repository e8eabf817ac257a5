//! The small examples. Each file beside this one is a program that shows one thing, and can be copied as it is to
//! `src/main.rs`.
//!
//! They are built as one binary, because a binary for each would be linked for each runtime: `small NAME` runs one of
//! them. A new one has its output in its header, a line here, and a row in `examples/README.md`; tests compare the three.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "each file is written as the `src/main.rs` of a reader"
)]

mod all_of;
mod attribute;
mod blocking_calls;
mod callbacks;
mod children;
mod conditions;
mod current;
mod deadlines;
mod defer;
mod dropped_run;
mod dump;
mod events;
mod files;
mod for_each_concurrent;
mod grace;
mod hold;
mod hooks;
mod job_handler;
mod json;
mod logging;
mod map_concurrent;
mod outcome;
mod own_source;
mod partial_result;
mod progress;
mod reader_writer;
mod registry;
mod resources;
mod shared_budget;
mod shield;
mod sqlite_query;
mod streams;
mod threads;
mod token_stream;
mod tokens;
mod tracing_spans;
mod watchdog;

use std::env;
use std::error::Error;
use std::process::ExitCode;

type Main = fn() -> Result<(), Box<dyn Error>>;

/// The examples by their names, which are those of their files.
const EXAMPLES: &[(&str, Main)] = &[
    ("all_of", all_of::main),
    ("attribute", attribute::main),
    ("blocking_calls", blocking_calls::main),
    ("callbacks", callbacks::main),
    ("children", children::main),
    ("conditions", conditions::main),
    ("current", current::main),
    ("deadlines", deadlines::main),
    ("defer", defer::main),
    ("dropped_run", dropped_run::main),
    ("dump", dump::main),
    ("events", events::main),
    ("files", files::main),
    ("for_each_concurrent", for_each_concurrent::main),
    ("grace", grace::main),
    ("hold", hold::main),
    ("hooks", hooks::main),
    ("job_handler", job_handler::main),
    ("json", json::main),
    ("logging", logging::main),
    ("map_concurrent", map_concurrent::main),
    ("outcome", outcome::main),
    ("own_source", own_source::main),
    ("partial_result", partial_result::main),
    ("progress", progress::main),
    ("reader_writer", reader_writer::main),
    ("registry", registry::main),
    ("resources", resources::main),
    ("shared_budget", shared_budget::main),
    ("shield", shield::main),
    ("sqlite_query", sqlite_query::main),
    ("streams", streams::main),
    ("threads", threads::main),
    ("token_stream", token_stream::main),
    ("tokens", tokens::main),
    ("tracing_spans", tracing_spans::main),
    ("watchdog", watchdog::main),
];

fn main() -> ExitCode {
    let wanted = env::args().nth(1);
    let found = EXAMPLES
        .iter()
        .find(|(name, _)| Some(*name) == wanted.as_deref());
    let Some((_, main)) = found else {
        eprintln!("Usage: small NAME, where NAME is one of");
        for (name, _) in EXAMPLES {
            eprintln!("  {name}");
        }
        return ExitCode::from(2);
    };
    match main() {
        Ok(()) => ExitCode::SUCCESS,
        // As the standard library reports the error of a `main`.
        Err(error) => {
            eprintln!("Error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
