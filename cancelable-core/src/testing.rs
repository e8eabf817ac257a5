//! A kit for testing code that waits: a runtime whose time is moved by hand, a checker that cancels a
//! future at each of its await points, cancels at a set time or poll, and a recorder of operations'
//! events.

mod await_points;
mod await_report;
mod cancel_at;
mod executor;
mod manual_runtime;
mod manual_timer;
mod recorder;

pub use await_points::{cancel_at_every_await, cancel_token_at_every_await};
pub use await_report::{AwaitReport, BrokenAwait, BrokenAwaits, LastRun, Verdict};
pub use cancel_at::{CancelAtPoll, cancel_at, cancel_at_poll, cancel_in};
pub use executor::TimeGuard;
pub use manual_runtime::ManualRuntime;
pub use recorder::{Change, OperationEvent, Recorder};
