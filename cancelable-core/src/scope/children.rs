//! Children and blocking calls: tasks and threads of their own, which their scope joins.

mod abandon_timer;
mod child_error;
mod child_task;
mod completion;
mod handle;
mod spawn;
mod spawn_blocking;
mod spawn_error;

pub use child_error::ChildError;
pub use handle::{Child, ChildReport};
pub use spawn_error::SpawnError;
