//! Entering async-std from a thread.

use std::future::Future;

/// Runs `future` on this thread until it completes.
///
/// The runtime is the whole process's: tasks that are left go on, and blocking work that is left is
/// not waited for. It may be called anywhere, but blocks a thread of the runtime when it is called
/// in a task.
///
/// # Panics
///
/// If the future does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    async_std::task::block_on(future)
}
