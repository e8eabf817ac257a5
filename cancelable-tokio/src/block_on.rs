//! Entering Tokio from a thread.

use std::future::Future;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::block_in_place;

/// Runs `future` on this thread until it completes.
///
/// Outside a runtime it runs in a new one with all its drivers enabled, which ends with this call:
/// tasks that are left are dropped, and blocking work that is left is not waited for. Inside one,
/// or in its blocking work, it runs in that.
///
/// # Panics
///
/// If the future does. Also in a task of a runtime of one thread, which cannot go on while its
/// thread is blocked; and where the system refuses the threads of a new runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    if let Ok(handle) = Handle::try_current() {
        return block_in_place(|| handle.block_on(future));
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system has threads for a runtime");
    let handle = runtime.handle().clone();
    let _ending = Ending(Some(runtime));
    handle.block_on(future)
}

/// Ends its runtime in the background, also when the future panics. Tokio's own drop would wait for
/// blocking work, for ever if that waits for something that does not come.
struct Ending(Option<Runtime>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
