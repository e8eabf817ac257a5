//! A weak handle to an operation.

use super::Operation;
use crate::record::Record;
use std::fmt;
use std::sync::{Arc, Weak};

/// A handle to an operation that does not keep its record alive, from [`Operation::downgrade`].
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// let weak = scope.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(scope);
/// assert!(weak.upgrade().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WeakOperation {
    record: Weak<Record>,
}

impl WeakOperation {
    /// Returns the operation; `None` once its record is gone. The scope, a handle, and an operation below keep the
    /// record.
    #[must_use]
    pub fn upgrade(&self) -> Option<Operation> {
        self.record.upgrade().map(Operation::new)
    }
}

impl Operation {
    /// Returns a handle that does not keep the record alive. Use it in a callback at the operation's own token: the
    /// token keeps the callback, and the callback would keep the operation.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// let operation = scope.downgrade();
    /// let callback = scope.token().on_cancel(move |cause| {
    ///     if let Some(operation) = operation.upgrade() {
    ///         println!("{} stops: {cause}", operation.name());
    ///     }
    /// });
    /// # drop(callback);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakOperation {
        WeakOperation {
            record: Arc::downgrade(self.record()),
        }
    }
}

impl fmt::Debug for WeakOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("WeakOperation");
        match self.upgrade() {
            Some(operation) => tuple.field(operation.label()).finish(),
            None => tuple.finish(),
        }
    }
}
