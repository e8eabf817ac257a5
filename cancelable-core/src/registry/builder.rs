//! The builder of a registry.

use super::handle::Registry;
use super::history::History;

/// The builder of a registry, from [`Registry::builder`].
///
/// # Examples
///
/// ```
/// use cancelable_core::Registry;
///
/// let registry = Registry::builder().history(10_000).history_bytes(64 << 20).build();
/// assert!(registry.is_empty());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RegistryBuilder {
    history: usize,
    /// The bound of the memory in bytes; `None` for the default per operation.
    bytes: Option<usize>,
}

impl RegistryBuilder {
    /// The default length of the history.
    const HISTORY: usize = 512;
    /// The default bytes for each operation in the history.
    const BYTES_EACH: usize = 4096;

    /// Bounds the history to the `bound` operations that ended last; zero keeps none. The default is 512.
    /// The registry allocates the memory as operations end.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::builder().history(1).build();
    /// for page in ["page-1", "page-2"] {
    ///     drop(Scope::builder(page).register_in(&registry).build()?);
    /// }
    /// let history = registry.history(&Filter::new());
    /// assert_eq!(history.len(), 1);
    /// assert_eq!(history[0].name(), "page-2");
    /// # Ok(())
    /// # }
    /// ```
    pub fn history(mut self, bound: usize) -> Self {
        self.history = bound;
        self
    }

    /// Bounds the history in bytes. The default is 4,096 for each operation of the
    /// [`history`](Self::history).
    ///
    /// A snapshot may have texts of any length: an error, a partial result, metadata. If the history exceeds
    /// `bound`, the registry evicts the oldest snapshots and [counts](Registry::history_evicted) them. A snapshot
    /// that exceeds `bound` alone is not kept. Memory that the error in a cause has allocated is unknown, and
    /// not counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::builder().history_bytes(64).build();
    /// drop(Scope::builder("a long name".repeat(10)).register_in(&registry).build()?);
    /// assert!(registry.history(&Filter::new()).is_empty());
    /// assert_eq!(registry.history_evicted(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn history_bytes(mut self, bound: usize) -> Self {
        self.bytes = Some(bound);
        self
    }

    /// Returns the registry.
    #[must_use]
    pub fn build(self) -> Registry {
        let default = self.history.saturating_mul(Self::BYTES_EACH);
        let history = History::new(self.history, self.bytes.unwrap_or(default));
        Registry::with_history(history)
    }
}

impl Registry {
    /// Returns a builder with the default settings; see [`RegistryBuilder`] for an example.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    ///
    /// let registry = Registry::builder().history(10_000).build();
    /// assert_eq!(registry.history_evicted(), 0);
    /// ```
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder {
            history: RegistryBuilder::HISTORY,
            bytes: None,
        }
    }
}
