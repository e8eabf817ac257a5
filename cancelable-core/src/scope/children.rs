//! Children and blocking calls: tasks and threads of their own, which their scope joins.

mod child;
mod child_exit;
mod child_task;
mod errors;
mod spawn;
mod spawn_blocking;

pub use child::{Child, ChildReport};
pub use errors::{ChildError, SpawnError};
