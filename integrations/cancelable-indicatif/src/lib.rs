//! Progress bars for the operations of `cancelable-core`: a scope and everything below it on a
//! terminal, by [`indicatif`].
//!
//! [`Bars`] reads the progress of an operation and of all operations below it, and draws a line for each.
//! The operations do not wait for it.
//!
//! # Examples
//!
//! ```no_run
//! use cancelable_core::{RuntimeHandle, Scope};
//! use cancelable_indicatif::Bars;
//!
//! # async fn run(runtime: RuntimeHandle) -> Result<(), Box<dyn std::error::Error>> {
//! let scope = Scope::builder("import").runtime(&runtime).build()?;
//! let bars = runtime.spawn(Bars::new(&scope).follow(&runtime));
//! let outcome = scope.run(async |op| op.progress().advance(1)).await;
//! bars.await?;
//! # let _ = outcome;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod bars;
mod layout;
mod line;
mod printer;
mod terminal;
mod unit;

pub use bars::Bars;
pub use printer::Printer;
pub use terminal::draw_target;
