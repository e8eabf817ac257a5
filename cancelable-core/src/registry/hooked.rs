//! Hooks for everything in a registry.

use super::Registry;
use crate::operation::Hooks;
use std::fmt;
use std::sync::Arc;

/// Keeps hooks in a registry for as long as it lives, from [`Registry::add_hooks`].
#[must_use = "the hooks are called only as long as the guard lives; `detach` leaves them in place"]
pub struct HooksGuard {
    registry: Registry,
    /// None once they are detached.
    hooks: Option<Arc<Hooks>>,
}

impl Registry {
    /// Has `hooks` called for every operation of the registry, also for those that are open
    /// already. They come before the hooks that an operation has of its own.
    ///
    /// For what was asked to stop before, the hook for that is called here, unless someone else had
    /// listened then.
    pub fn add_hooks(&self, hooks: Hooks) -> HooksGuard {
        let hooks = Arc::new(hooks);
        self.root.hub.add_hooks(&hooks);
        if hooks.has_cancel_hook() || hooks.has_progress_hook() {
            self.observe_all();
        }
        HooksGuard {
            registry: self.clone(),
            hooks: Some(hooks),
        }
    }
}

impl HooksGuard {
    /// Leaves the hooks in place for as long as the registry is used: by a handle of it, or by an
    /// operation in it that is open, whose parts they hear of too.
    pub fn detach(mut self) {
        self.hooks = None;
    }
}

/// Does not wait for a hook that runs just now.
impl Drop for HooksGuard {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.take() {
            self.registry.root.hub.remove_hooks(&hooks);
        }
    }
}

impl fmt::Debug for HooksGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HooksGuard").finish_non_exhaustive()
    }
}
