//! What a partial result is, for people.

/// What an operation had so far when it was asked, from
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

    /// How it reads, if that [was said](crate::operation::Partial::show) for its type and it was not in use
    /// just then.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}
