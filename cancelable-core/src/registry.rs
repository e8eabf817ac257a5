//! Registries: lists of open operations, to find, watch and cancel them.
//!
//! - [`ScopeBuilder::register`](crate::scope::ScopeBuilder::register) lists a scope in the registry of the process,
//!   and [`register_in`](crate::scope::ScopeBuilder::register_in) in another [`Registry`].
//! - [`Registry::get`], [`find`](Registry::find), [`list`](Registry::list), [`tree`](Registry::tree) and
//!   [`dump`](Registry::dump) read what is open; a [`Filter`] selects.
//! - A [`Query`] has the criteria of a filter as data, and can be read from text: `status:running name:import-*`.
//! - [`Registry::cancel`] and [`cancel_all`](Registry::cancel_all) cancel by number and by filter.
//! - [`Registry::events`] and [`add_hooks`](Registry::add_hooks) report every change.
//! - [`Registry::history`] and [`statistics`](Registry::statistics) describe what has ended.
//!
//! # Examples
//!
//! ```
//! use cancelable_core::registry::{Filter, Registry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! rt::block_on(async {
//!     let registry = Registry::new();
//!     let import = rt::scope("import-7").register_in(&registry).build()?;
//!     let running = import.run(async |_| {
//!         for operation in registry.list(&Filter::new().name("import-*")) {
//!             println!("{operation}"); // #1 import-7: running for 43.5 us
//!         }
//!         registry.cancel_all(&Filter::new())
//!     });
//!     assert_eq!(running.await.into_value(), Some(1));
//!     assert!(registry.is_empty());
//! #   Ok(())
//! })
//! # }
//! ```

// # Structure
//
// A registry has a number of shards (`shards.rs`). The number of an operation selects its shard. The record of
// the operation keeps the shard, as its observer, so starts and ends on many threads seldom contend for a lock
// or a reference count. The list of a shard consists of chunks (`list.rs`), each with up to 64 operations.
//
// A listing (`listing.rs`) takes references to the chunks under the lock. It filters, takes snapshots and
// cancels with no lock held. So a listing delays no operation, and shows each operation at a moment of its own.
// An operation that enters or leaves a chunk during a listing changes a copy of the chunk. A listing that needs
// only a few operations reads the chunks in steps, the oldest first.
//
// A chunk stores the values that a filter compares and that never change, side by side. The status is in the
// record alone, so no change is written twice.
//
// A shard has the records of open operations only. The history has snapshots of ended operations, which keep
// nothing alive.
//
// # Locks
//
// There are four kinds of locks: of a shard, of the lists of listeners, of an event queue, of a slot of the
// history. No thread takes one of these locks while it holds another, and no user code runs under one. An event
// is pushed under one lock from elsewhere, the record's; see `record/notify.rs`.

mod builder;
mod cancel;
mod chunk;
mod counts;
mod dump;
mod event;
mod event_queue;
mod events;
mod filter;
mod handle;
mod histogram;
mod history;
mod list;
mod listeners;
mod listing;
mod name_prefix;
mod pattern;
mod query;
mod query_error;
mod query_text;
#[cfg(feature = "serde")]
mod serde;
mod shard;
mod shards;
mod snapshot_filter;
mod snapshots;
mod statistics;
mod tree;

pub use builder::RegistryBuilder;
pub use cancel::CancelResult;
pub use event::Event;
pub use events::Events;
pub use filter::Filter;
pub use handle::Registry;
pub use listeners::HooksGuard;
pub use query::Query;
pub use query_error::{QueryError, QueryErrorKind};
pub use statistics::{Durations, Statistics};
pub use tree::{Tree, TreeEntry};
