//! The description of a partial result, for people.

/// The description of the partial result of an operation at one moment, from
/// [`Partial::snapshot`](crate::operation::Partial::snapshot).
#[derive(Clone, Debug, PartialEq, Eq)]
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
