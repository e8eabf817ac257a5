//! Children and blocking calls: tasks and threads of their own, which their scope joins.

mod child_exit;
mod child_task;
mod errors;
mod handle;
mod spawn;
mod spawn_blocking;

pub use errors::ChildError;
pub use handle::{ChildHandle, ChildReport};
