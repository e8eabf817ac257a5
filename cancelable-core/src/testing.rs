//! The kit for testing code that waits: a runtime whose time is moved by hand, a checker that cancels
//! a future wherever it can be cancelled, cancels that come at a set time or poll, and a recorder of
//! what operations went through.

mod await_points;
mod await_report;
mod cancel_at;
mod cancel_at_poll;
mod hold;
mod machine;
mod manual_runtime;
mod manual_timer;
mod operation_event;
mod recorder;
mod verdict;

pub use await_points::{cancel_at_every_await, cancel_token_at_every_await};
pub use await_report::{AwaitReport, BrokenAwait, BrokenAwaits, LastRun};
pub use cancel_at::{cancel_at, cancel_in};
pub use cancel_at_poll::{CancelAtPoll, cancel_at_poll};
pub use hold::Hold;
pub use manual_runtime::ManualRuntime;
pub use operation_event::{Change, OperationEvent};
pub use recorder::Recorder;
pub use verdict::Verdict;
