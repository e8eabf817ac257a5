//! Telling the manual runtime that another thread is going to do something.

use super::machine::Machine;
use std::fmt;
use std::sync::Arc;

/// While it lives, [`ManualRuntime::block_on`](super::ManualRuntime::block_on) waits for other
/// threads where it would otherwise move the time or give up.
#[must_use = "the hold ends when this is dropped"]
pub struct Hold {
    machine: Arc<Machine>,
}

impl Hold {
    /// Takes over a hold that was counted already.
    pub(super) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.machine.release();
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}
