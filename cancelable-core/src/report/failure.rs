//! The failure of user code that the library ran, shared by the errors of children and of finalizers.

use crate::sync::{escape, escaped};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Error(Arc<dyn Error + Send + Sync>),
    /// A panic, with its text.
    Panic(Arc<str>),
    /// The finalizer was dropped because the cleanup budget was spent.
    OverBudget,
    /// The finalizer was dropped by its runtime, or no runtime has run it.
    Lost,
}

impl Failure {
    pub(super) fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::Error(error) => Some(&**error),
            Self::Panic(_) | Self::OverBudget | Self::Lost => None,
        }
    }

    /// The source of an error that includes the text of this failure.
    pub(super) fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error()?.source()
    }

    /// Writes the predicate of a sentence; `lost` is the predicate for lost code.
    pub(super) fn write(&self, lost: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "failed: {}", escaped(error)),
            Self::Panic(text) => write!(f, "panicked: {}", escape(text)),
            Self::OverBudget => f.write_str("was dropped unfinished: the cleanup budget was spent"),
            Self::Lost => f.write_str(lost),
        }
    }
}

// A kept error is only read.
impl std::panic::UnwindSafe for Failure {}
impl std::panic::RefUnwindSafe for Failure {}
