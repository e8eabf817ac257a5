//! What a registry is to be, before it is one.

use super::Registry;
use super::history::History;

/// The description of a registry, from [`Registry::builder`].
#[derive(Clone, Debug)]
#[must_use = "a registry is not there until it is built"]
pub struct RegistryBuilder {
    history: usize,
    /// None is so many for each place.
    bytes: Option<usize>,
}

impl RegistryBuilder {
    /// How many operations that have ended are kept unless it is said.
    pub(super) const HISTORY: usize = 512;
    /// How many bytes there are for each of them unless it is said.
    const BYTES_EACH: usize = 4096;

    pub(super) fn new() -> Self {
        Self {
            history: Self::HISTORY,
            bytes: None,
        }
    }

    /// How many operations that have ended are kept, the latest ones; zero is none. Without this it
    /// is 512. Room for them is made as they come, whatever the bound.
    pub fn history(mut self, bound: usize) -> Self {
        self.history = bound;
        self
    }

    /// How many bytes of operations that have ended are kept. Without this it is 4,096 for each place of the
    /// [`history`](Self::history).
    ///
    /// A snapshot may have a text of any length: of an error, a partial result, metadata. Where all that are
    /// kept take more than this, the oldest go, and are [counted](Registry::history_evicted); one that alone
    /// takes more is not kept. What the error in a cause has on the heap is not known, and not counted.
    pub fn history_bytes(mut self, bound: usize) -> Self {
        self.bytes = Some(bound);
        self
    }

    /// Makes the registry.
    #[must_use]
    pub fn build(self) -> Registry {
        let usual = self.history.saturating_mul(Self::BYTES_EACH);
        Registry::with_history(History::new(self.history, self.bytes.unwrap_or(usual)))
    }
}
