//! Progress bars on a terminal for an operation of `cancelable-core` and its descendants, by [`indicatif`].
//!
//! ```no_run
//! use cancelable_indicatif::Bars;
//! use std::time::Duration;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     rt::block_on(async {
//!         let runtime = rt::current()?;
//!         let scope = rt::scope("import").build()?;
//!         let bars = runtime.spawn(Bars::new(&scope).follow(&runtime));
//!         let outcome = scope.run(async |op| {
//!             op.progress().set_total(100);
//!             for _ in 0..100 {
//!                 runtime.sleep(Duration::from_millis(50)).await;
//!                 op.progress().advance(1);
//!             }
//!         });
//!         outcome.await.complete()?;
//!         bars.await?;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Guides
//!
//! [progress], [scopes], [all guarantees].
//!
//! [progress]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/progress/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # Drawing
//!
//! [`Bars`] reads the progress of the operations at an interval, and draws a line for each. The operations do not wait
//! for the drawing.

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
