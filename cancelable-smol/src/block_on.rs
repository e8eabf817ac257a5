//! The entry from a plain thread into smol.

use crate::executor::StandIn;
use std::future::Future;

/// Runs `future` to completion on this thread.
///
/// The runtime is the whole process's: unfinished tasks go on, and the call does not wait for unfinished
/// blocking work. It may be called anywhere. In a task it blocks the thread, and another thread runs tasks
/// meanwhile.
///
/// # Panics
///
/// If the future does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _stand_in = StandIn::if_needed();
    async_io::block_on(future)
}
