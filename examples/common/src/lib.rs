//! What `checksum` and `pipeline` have in common: two jobs that are told to stop, end as far as they have
//! come, and report why.
//!
//! It names no runtime, and needs none.

mod exit_code;
mod identity;
mod names;
mod report;
mod standard;

pub use exit_code::exit_code;
pub use identity::Identity;
pub use names::shown;
pub use report::{Headline, Why, print};
pub use standard::{stdin_file, stdout_file};
