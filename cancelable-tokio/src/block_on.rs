//! The entry from a plain thread into Tokio.

use std::future::Future;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::block_in_place;

/// Runs `future` to completion on this thread.
///
/// Outside a runtime the future runs in a new runtime with all drivers enabled, which ends with this call:
/// unfinished tasks are dropped, and the call does not wait for unfinished blocking work. Inside a runtime,
/// or in its blocking work, the future runs in that runtime.
///
/// # Panics
///
/// If the future panics; in a task of a single-threaded runtime, which cannot run while its thread is blocked;
/// and if the system refuses the threads of a new runtime.
///
/// # Examples
///
/// ```
/// use cancelable_tokio as rt;
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
    if let Ok(handle) = Handle::try_current() {
        return block_in_place(|| handle.block_on(future));
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system refused the threads of a Tokio runtime");
    let handle = runtime.handle().clone();
    let _ending = Ending(Some(runtime));
    handle.block_on(future)
}

/// A guard that shuts its runtime down in the background, also after a panic of the future. The drop of a Tokio
/// runtime would wait for blocking work, perhaps forever.
struct Ending(Option<Runtime>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
