//! Moves a project from the token of tokio-util to the token of [`cancelable-core`](https://docs.rs/cancelable-core).
//!
//! The program `cargo cancelable-migrate` is this library with options.
//!
//! ```no_run
//! use cancelable_migrate::Options;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let plan = Options::new("Cargo.toml").plan()?;
//!     print!("{}", plan.diff());
//!     for remark in plan.remarks() {
//!         eprintln!("{remark}");
//!     }
//!     plan.write()?;
//!     Ok(())
//! }
//! ```
//!
//! # Guides
//!
//! [coming from tokio-util]
//!
//! [coming from tokio-util]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/coming_from_tokio_util/index.html

#![cfg_attr(docsrs, feature(doc_cfg))]

mod calls;
mod edit;
mod error;
mod hidden;
mod manifest;
mod names;
mod page;
mod plan;
mod project;
mod remark;
mod source_file;
mod use_tree;
mod write;

pub use error::MigrateError;
pub use plan::{Options, Plan};
pub use remark::Remark;
