//! A handle to an operation that does not keep its record.

use super::Operation;
use crate::record::Record;
use std::fmt;
use std::sync::{Arc, Weak};

/// A handle to an operation that does not keep its record, from [`Operation::downgrade`].
#[derive(Clone)]
pub struct WeakOperation {
    record: Weak<Record>,
}

impl WeakOperation {
    /// The operation, while something else keeps it: its scope, a handle, an operation inside it.
    #[must_use]
    pub fn upgrade(&self) -> Option<Operation> {
        self.record.upgrade().map(Operation::new)
    }
}

impl Operation {
    /// A handle that does not keep the record alive: for a callback at the operation's own token, which
    /// would keep the operation for as long as the token has the callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let scope = Scope::builder("import").build().expect("it is sound");
    /// let operation = scope.downgrade();
    /// let callback = scope.token().on_cancel(move |cause| {
    ///     if let Some(operation) = operation.upgrade() {
    ///         println!("{} stops: {cause}", operation.name());
    ///     }
    /// });
    /// # drop(callback);
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
