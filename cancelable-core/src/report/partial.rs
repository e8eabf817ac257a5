//! The partial result of an operation, of a type that only the user knows, and its description.

use std::any::{Any, type_name};
use std::fmt;
use std::sync::Arc;

/// A partial result. Readers share it, so no reader keeps it from an update, a take or an outcome.
#[derive(Clone)]
pub(crate) struct Value {
    value: Arc<dyn Any + Send + Sync>,
    type_name: &'static str,
}

impl Value {
    pub(crate) fn new<P: Send + Sync + 'static>(value: Arc<P>) -> Self {
        Self {
            value,
            type_name: type_name::<P>(),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn get<P: 'static>(&self) -> Option<&P> {
        self.value.downcast_ref()
    }

    /// Returns the value by its type.
    ///
    /// # Errors
    ///
    /// The value is of another type, and is returned.
    pub(crate) fn downcast<P: Send + Sync + 'static>(self) -> Result<Arc<P>, Self> {
        let Self { value, type_name } = self;
        value.downcast().map_err(|value| Self { value, type_name })
    }

    pub(crate) fn as_any(&self) -> &dyn Any {
        &*self.value
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Value").field(&self.type_name).finish()
    }
}

// A panic of user code leaves a value as that code left it, which `update` documents.
impl std::panic::UnwindSafe for Value {}
impl std::panic::RefUnwindSafe for Value {}

/// The description of the partial result of an operation at one moment, from
/// [`Partial::snapshot`](crate::operation::Partial::snapshot).
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// scope.partial().show(|rows: &Vec<u32>| format!("{} rows", rows.len()));
/// scope.partial().set(vec![1_u32, 2, 3]);
/// let operation = scope.snapshot();
/// let partial = operation.partial().ok_or("nothing was set")?;
/// assert_eq!(partial.text(), Some("3 rows"));
/// assert_eq!(partial.type_name(), "alloc::vec::Vec<u32>");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartialSnapshot {
    pub(crate) type_name: &'static str,
    pub(crate) text: Option<String>,
}

impl PartialSnapshot {
    /// The name of the value's type, as the compiler spells it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The value as text. `None` if its type has [no text](crate::operation::Partial::show), or if an update was
    /// in progress.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}
