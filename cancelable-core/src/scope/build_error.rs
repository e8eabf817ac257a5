//! The error of a scope that cannot be built.

use crate::cause::{Named, OneLine, OperationLabel};
use crate::error::{RefusalReason, debug_as_sentence};
use crate::operation::Status;
use crate::runtime::NoRuntime;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

/// The error of a scope that cannot be built.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use std::time::Duration;
///
/// let built = Scope::builder("import").timeout(Duration::from_secs(3)).build();
/// let text = built.err().map(|error| error.to_string());
/// let expected = "scope import has no runtime for its time limit: set one by `runtime(&handle)`";
/// assert_eq!(text.as_deref(), Some(expected));
/// ```
#[derive(Clone)]
pub struct BuildError {
    scope: Cow<'static, str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    NoRuntime {
        part: NeedsRuntime,
        /// The reason why there is no default runtime either.
        why: Option<NoRuntime>,
    },
    /// The parent has ended.
    ParentEnded(OperationLabel, Status),
}

/// A part of a scope that needs a runtime.
#[derive(Clone, Debug)]
pub(super) enum NeedsRuntime {
    /// The name of a part of the scope itself.
    Own(&'static str),
    /// The name of a source.
    Source(Cow<'static, str>),
}

impl fmt::Display for NeedsRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(part) => write!(f, "its {part}"),
            Self::Source(name) => write!(f, "the {}", Named("source", name)),
        }
    }
}

impl BuildError {
    pub(super) fn no_runtime(
        scope: Cow<'static, str>,
        part: NeedsRuntime,
        why: Option<NoRuntime>,
    ) -> Self {
        Self {
            scope,
            kind: Kind::NoRuntime { part, why },
        }
    }

    pub(super) fn parent_ended(
        scope: Cow<'static, str>,
        parent: OperationLabel,
        status: Status,
    ) -> Self {
        Self {
            scope,
            kind: Kind::ParentEnded(parent, status),
        }
    }

    /// Returns the reason for which a scope rejects the child that could not be built.
    pub(super) fn into_refusal_reason(self) -> RefusalReason {
        match self.kind {
            Kind::NoRuntime { .. } => RefusalReason::NoRuntime,
            // The parent ended after its status was read.
            Kind::ParentEnded(_, status) => RefusalReason::Ended(status.words()),
        }
    }

    /// The name of the scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Returns whether the given parent has finished.
    #[must_use]
    pub fn is_parent_ended(&self) -> bool {
        matches!(self.kind, Kind::ParentEnded(..))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = OneLine(&self.scope);
        match &self.kind {
            Kind::NoRuntime {
                part,
                why: Some(why),
            } => write!(f, "scope {scope} has no runtime for {part}: {why}"),
            Kind::NoRuntime { part, why: None } => write!(
                f,
                "scope {scope} has no runtime for {part}: set one by `runtime(&handle)`"
            ),
            Kind::ParentEnded(parent, status) => write!(
                f,
                "scope {scope} cannot be built inside scope {parent}, which has ended ({status}): \
                 build it earlier, or `detached()`"
            ),
        }
    }
}

debug_as_sentence!(BuildError { scope, kind });

/// The text includes the reason, so the chain of sources ends here.
impl Error for BuildError {}

/// The kind is `InvalidInput`.
impl From<BuildError> for io::Error {
    fn from(error: BuildError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
