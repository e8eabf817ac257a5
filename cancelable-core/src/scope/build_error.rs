//! Why a scope could not be built.

use crate::cause::{OneLine, OperationLabel};
use crate::operation::Status;
use crate::runtime::NoRuntime;
use crate::sync::escape;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

/// A scope cannot be as it was described.
#[derive(Clone, Debug)]
pub struct BuildError {
    scope: Cow<'static, str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// It needs a runtime for this part of it, and none is known.
    NoRuntime {
        part: Cow<'static, str>,
        /// Why the runtime that the scope was to have by default is none either.
        why: Option<NoRuntime>,
    },
    ZeroConcurrency,
    /// What it was to be a part of has ended.
    ParentEnded(OperationLabel, Status),
}

impl BuildError {
    pub(super) fn no_runtime(
        scope: Cow<'static, str>,
        part: Cow<'static, str>,
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

    pub(super) fn zero_concurrency(scope: Cow<'static, str>) -> Self {
        Self {
            scope,
            kind: Kind::ZeroConcurrency,
        }
    }

    /// The name of the scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Whether what the scope was to be a part of has ended.
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
            } => write!(
                f,
                "scope {scope} has no runtime for its {}: {why}",
                escape(part)
            ),
            Kind::NoRuntime { part, why: None } => write!(
                f,
                "scope {scope} has no runtime for its {}: give it one by `runtime(&handle)`",
                escape(part)
            ),
            Kind::ZeroConcurrency => write!(
                f,
                "scope {scope} lets no child run: give `concurrency` one at least"
            ),
            Kind::ParentEnded(parent, status) => write!(
                f,
                "scope {scope} can be no part of {parent}, which has ended ({status}): \
                 build it before that, or detached"
            ),
        }
    }
}

/// It speaks for what is inside it, so the chain ends here.
impl Error for BuildError {}

/// The kind is `InvalidInput`: the scope cannot be as it was described.
impl From<BuildError> for io::Error {
    fn from(error: BuildError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
