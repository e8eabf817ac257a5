//! The kit for testing code that waits: a runtime whose time is moved by hand.

mod hold;
mod machine;
mod manual_runtime;
mod manual_timer;

pub use hold::Hold;
pub use manual_runtime::ManualRuntime;
