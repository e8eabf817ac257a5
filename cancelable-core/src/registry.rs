//! Lists of open operations: to find them, to watch them and to cancel them.
//!
//! # How it is built
//!
//! A registry has a number of shards (`shards.rs`). The number of an operation decides its shard. The record
//! of the operation keeps the shard, as its observer, so starts and ends on many threads seldom contend for a
//! lock or a reference count. The list of a shard consists of chunks (`list.rs`), each with up to 64
//! operations.
//!
//! A listing (`listing.rs`) takes references to the chunks under the lock, and then filters, takes snapshots
//! and cancels with no lock held. So a listing holds up no operation, and shows each operation at a moment of
//! its own. An operation that enters or leaves a chunk meanwhile changes a copy of the chunk. A listing that
//! needs only a few operations reads the chunks in steps, the oldest first.
//!
//! A chunk has the values that a filter compares and that never change, side by side. The status is in the
//! record alone, so that no change is written twice.
//!
//! A shard has the records of open operations only. The history has snapshots of ended operations, which
//! keep nothing alive.
//!
//! # Locks
//!
//! There are four kinds: of a shard, of the lists of listeners, of an event queue, of a slot of the history.
//! None is held while another one is taken, and no user code runs under one. An event is pushed under one lock
//! from elsewhere, the record's; see `record/notify.rs`.

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
#[cfg(feature = "serde")]
mod serde;
mod shard;
mod shards;
mod snapshot_filter;
mod snapshots;
mod statistics;
mod tree;

pub use cancel::CancelResult;
pub use event::Event;
pub use events::Events;
pub use filter::Filter;
pub use handle::{Registry, RegistryBuilder};
pub use listeners::HooksGuard;
pub use statistics::{Durations, Statistics};
pub use tree::{Tree, TreeEntry};
