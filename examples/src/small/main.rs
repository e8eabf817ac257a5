//! The small examples. Each file beside this one is a program that shows one thing, and can be copied as it is to
//! `src/main.rs`.
//!
//! They are built as one binary, which takes far less time than a binary for each: `small NAME` runs one of them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "each file is written as the `src/main.rs` of a reader"
)]

mod all_of;

use std::env;
use std::error::Error;
use std::process::ExitCode;

type Main = fn() -> Result<(), Box<dyn Error>>;

/// The examples by their names, which are those of their files.
const EXAMPLES: &[(&str, Main)] = &[("all_of", all_of::main)];

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
