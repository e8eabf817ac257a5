//! Code that the example programs share: their output, their exit, and the reports of jobs that
//! were stopped.
//!
//! It names no runtime, and needs none.

mod console;
mod exit;
mod exit_code;
mod identity;
mod names;
mod replacement;
mod report;
mod span;
mod standard;

pub use console::{Stdout, announce, announced, message, result, text, unwritten};
pub use exit::{Exit, no_options, options, requests};
pub use exit_code::exit_code;
pub use identity::Identity;
pub use names::shown;
pub use replacement::{Destination, Left, Replacement};
pub use report::{Headline, Why, print};
pub use span::Span;
pub use standard::stdin_file;
