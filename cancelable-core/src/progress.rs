//! How far an operation has come: the counters that the work advances, and the hooks that follow them.
//!
//! A [`Progress`] is the handle to a meter (`meter.rs`). The meters of one tree of operations form a tree of
//! their own, and a snapshot adds up a meter and everything below it. This room knows an operation as
//! [`Running`](crate::cause::ambient::Running) and nothing of records. Users find it in
//! [`operation`](crate::operation).

mod change;
mod edit;
mod event;
mod field_value;
mod figures;
mod handle;
mod meter;
mod rate;
#[cfg(feature = "serde")]
mod serde;
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
pub(crate) use subtree::Below;
pub(crate) use throttle::Throttle;
pub use throttle::ThrottleWithoutRuntime;
