//! The entry from a plain thread into smol.

use crate::executor::StandIn;
use std::future::Future;

/// Runs `future` to completion on this thread.
///
/// The runtime is the whole process's: unfinished tasks run on, and the call does not wait for unfinished
/// blocking work. The call is allowed everywhere. In a task the call blocks the thread, and another thread runs
/// tasks meanwhile.
///
/// # Panics
///
/// If the future panics.
///
/// # Examples
///
/// ```
/// use cancelable_smol as rt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let value = rt::block_on(async {
///     let task = rt::current()?.spawn(async { 42 });
///     Ok::<_, Box<dyn std::error::Error>>(task.await?)
/// })?;
/// assert_eq!(value, 42);
/// # Ok(())
/// # }
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _stand_in = StandIn::if_needed();
    async_io::block_on(future)
}
