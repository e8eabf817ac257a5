//! A test kit for code that waits.
//!
//! - [`ManualRuntime`]: a runtime whose time the test moves. A test of a timeout takes no real time.
//! - [`cancel_at_every_await`], [`cancel_token_at_every_await`]: cancel a future at each of its await points in turn, and
//!   report the points that leave broken state behind.
//! - [`cancel_at`], [`cancel_in`], [`cancel_at_poll`]: cancel a token at a set time, or before a set poll of a future.
//! - [`Recorder`]: records the events of operations.
//!
//! The guide has [a page](crate::guide::testing) with a test for each.

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
