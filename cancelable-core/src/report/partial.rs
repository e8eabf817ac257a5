//! A partial result, of a type that only the user knows, and its description.

use std::any::{Any, type_name};
use std::fmt;

pub(crate) struct Value {
    value: Box<dyn Any + Send + Sync>,
    type_name: &'static str,
}

impl Value {
    pub(crate) fn new<P: Send + Sync + 'static>(value: P) -> Self {
        Self {
            value: Box::new(value),
            type_name: type_name::<P>(),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn is<P: 'static>(&self) -> bool {
        self.value.is::<P>()
    }

    pub(crate) fn get<P: 'static>(&self) -> Option<&P> {
        self.value.downcast_ref()
    }

    pub(crate) fn get_mut<P: 'static>(&mut self) -> Option<&mut P> {
        self.value.downcast_mut()
    }

    /// Returns the value, or this again if it is of another type.
    pub(crate) fn into_inner<P: 'static>(self) -> Result<P, Self> {
        let Self { value, type_name } = self;
        match value.downcast() {
            Ok(value) => Ok(*value),
            Err(value) => Err(Self { value, type_name }),
        }
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

// A value is only read or moved out, and nothing here changes it.
impl std::panic::UnwindSafe for Value {}
impl std::panic::RefUnwindSafe for Value {}

/// The description of the partial result of an operation at one moment, from
/// [`Partial::snapshot`](crate::operation::Partial::snapshot).
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

    /// The value as text. `None` if its type has [no text](crate::operation::Partial::show), or if the value
    /// was in use.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}
