//! Children and blocking calls: tasks and threads that a scope starts and joins.

mod blocking_job;
mod child_exit;
mod child_task;
mod errors;
mod grace_watch;
mod handle;
mod spawn;
mod supervised_call;

pub use errors::ChildError;
pub use handle::ChildHandle;
pub use spawn::ChildOf;
