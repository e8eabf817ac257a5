//! The label of an operation, for causes and errors that name the operation.

use super::OneLine;
use crate::sync::unmodelled::AtomicU64;
use crate::sync::{Number, Ordering, escape};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// The next number. Outside loom's model: no protocol depends on these numbers, and loom has no statics.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The number of an operation, unique in this process.
///
/// # Examples
///
/// ```
/// use cancelable_core::cause::OperationId;
/// use std::num::NonZeroU64;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// // A number that came back from a dashboard.
/// let number = NonZeroU64::try_from(scope.id().get())?;
/// assert_eq!(OperationId::from(number), scope.id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(NonZeroU64);

impl OperationId {
    /// Returns a number that was never returned before.
    pub(crate) fn next() -> Self {
        // Relaxed: the numbers need to be different, and order nothing else. At a billion a second they last for
        // 584 years.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }

    /// Returns the number.
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

/// Converts a number from outside, such as from a dashboard. There need not be an operation with the number.
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

/// The number and the name of an operation. A clone copies no name: a static name is borrowed, any other is shared.
///
/// [`Display`](fmt::Display) writes the name, with escapes for characters that would end the line.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let label = scope.label();
/// assert_eq!(label.name(), "import");
/// assert_eq!(label.id(), scope.id());
/// assert_eq!(label.to_string(), "import");
/// # Ok(())
/// # }
/// ```
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
    /// Creates a label with a new number.
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

    /// Returns the operation's number.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Returns the operation's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.name {
            Name::Static(name) => name,
            Name::Shared(name) => name,
        }
    }

    /// Returns the name with escapes, for key-values, which many loggers write raw.
    pub(crate) fn shown_name(&self) -> Cow<'_, str> {
        escape(self.name())
    }
}

/// Writes the name. A name may come from outside, so characters that would end the line are escaped.
impl fmt::Display for OperationLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(self.name()).fmt(f)
    }
}
