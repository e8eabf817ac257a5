//! The program of the README's first screen, with a command line around it.
//!
//! `program.rs` is the program of the README. Here its `println!` does not panic if standard output
//! is full or closed.

use std::process::ExitCode;

use common::{Exit, announce, announced, no_options};

macro_rules! println {
    ($($text:tt)*) => { announce(format_args!($($text)*)) };
}

mod program {
    use super::announce;

    include!("program.rs");

    pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
        main()
    }
}

const ABOUT: &str = "Import ten rows, until three seconds are over or Ctrl-C comes";

fn main() -> ExitCode {
    let exit = match no_options("quickstart", ABOUT) {
        Err(exit) => exit,
        Ok(()) => {
            let exit = match program::run() {
                Ok(()) => Exit::SUCCESS,
                // The same as a `main` that returns the error, which prints the location too and exits with 1.
                Err(error) => Exit::ended("Error", error.as_ref()),
            };
            match announced() {
                Ok(()) => exit,
                Err(error) => Exit::failed("quickstart", error),
            }
        }
    };
    exit.leave()
}
