//! Progress bars on a terminal for an operation of `cancelable-core` and its descendants, by [`indicatif`].
//!
//! [`Bars`] reads the progress of the operations at an interval, and draws a line for each. The operations do not wait
//! for the drawing.
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
//! scope.run(async |op| op.progress().advance(1)).await.complete()?;
//! bars.await?;
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
