//! The entry from a plain thread into async-std.

use std::future::Future;

/// Runs `future` to completion on this thread.
///
/// The runtime is the whole process's: unfinished tasks go on, and the call does not wait for unfinished
/// blocking work. It may be called anywhere, but in a task it blocks a thread of the runtime.
///
/// # Panics
///
/// If the future does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    async_std::task::block_on(future)
}
