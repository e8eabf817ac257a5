//! The progress of operations: counters that the work advances, and hooks that follow them.
//!
//! A [`Progress`] is a handle to a meter (`meter.rs`). The meters form a tree beside the tree of operations, and a
//! snapshot adds up a meter and everything below it. This module knows an operation as
//! [`Running`](crate::cause::ambient::Running), and knows no records. The public path of its types is
//! [`operation`](crate::operation).

mod change;
mod edit;
mod event;
mod field_value;
mod figures;
mod handle;
mod meter;
mod rate;
mod snapshot;
mod subscriber;
mod subtree;
mod throttle;
mod totals;

pub use change::ProgressChange;
pub use event::ProgressUpdate;
pub use field_value::FieldValue;
pub use figures::ProgressFigures;
pub use handle::Progress;
pub use snapshot::ProgressSnapshot;
pub use subscriber::ProgressRegistration;
pub(crate) use subtree::SubtreeTotals;
pub(crate) use throttle::Throttle;
