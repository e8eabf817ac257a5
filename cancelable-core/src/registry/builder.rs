//! What a registry is to be, before it is one.

use super::Registry;

/// The description of a registry, from [`Registry::builder`].
#[derive(Clone, Debug)]
#[must_use = "a registry is not there until it is built"]
pub struct RegistryBuilder {
    history: usize,
}

impl RegistryBuilder {
    /// How many operations that have ended are kept unless it is said.
    pub(super) const HISTORY: usize = 512;

    pub(super) fn new() -> Self {
        Self {
            history: Self::HISTORY,
        }
    }

    /// How many operations that have ended are kept, the latest ones; zero is none. Without this it
    /// is 512. Room for them is made as they come, whatever the bound.
    pub fn history(mut self, bound: usize) -> Self {
        self.history = bound;
        self
    }

    /// Makes the registry.
    #[must_use]
    pub fn build(self) -> Registry {
        Registry::with_history(self.history)
    }
}
