//! Entering smol from a thread.

use crate::executor::StandIn;
use std::future::Future;

/// Runs `future` on this thread until it completes.
///
/// The runtime is the whole process's: tasks that are left go on, and blocking work that is left is
/// not waited for. It may be called anywhere; in a task, which it blocks, another thread runs tasks
/// meanwhile.
///
/// # Panics
///
/// If the future does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _stand_in = StandIn::if_needed();
    async_io::block_on(future)
}
