//! The label of an operation, for causes and errors that name it.

use super::OneLine;
use crate::sync::unmodelled::AtomicU64;
use crate::sync::{Number, Ordering, escape};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Not loom's: no protocol depends on these numbers, and loom has no statics.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The number of an operation, which no other operation of this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(NonZeroU64);

impl OperationId {
    /// Returns a number that was never returned before.
    pub(crate) fn next() -> Self {
        // Relaxed: the numbers need to be different, not in order with anything else. At a
        // billion a second they last for 584 years.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl Number for OperationId {
    fn number(self) -> u64 {
        self.get()
    }
}

/// For a number that comes back from outside, such as from a dashboard. Nothing need have it.
impl From<NonZeroU64> for OperationId {
    fn from(number: NonZeroU64) -> Self {
        Self(number)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// An operation's number and name. Cloning is cheap: a static name is not copied, another one is
/// shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationLabel {
    id: OperationId,
    name: Name,
}

/// A name that is cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl OperationLabel {
    /// A label with a new number.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let name = match name.into() {
            Cow::Borrowed(name) => Name::Static(name),
            Cow::Owned(name) => Name::Shared(name.into()),
        };
        Self {
            id: OperationId::next(),
            name,
        }
    }

    /// The operation's number.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// The operation's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.name {
            Name::Static(name) => name,
            Name::Shared(name) => name,
        }
    }

    /// Returns the name with escapes: many loggers write key-values raw.
    pub(crate) fn shown_name(&self) -> Cow<'_, str> {
        escape(self.name())
    }
}

/// The name, which is what a person knows the operation by. It may come from outside, so what would
/// end a line is escaped.
impl fmt::Display for OperationLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(self.name()).fmt(f)
    }
}
