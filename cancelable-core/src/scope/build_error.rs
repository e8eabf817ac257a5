//! Why a scope could not be built.

use crate::cause::{Named, OneLine};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A scope cannot be as it was described.
#[derive(Clone, Debug)]
pub struct BuildError {
    scope: Cow<'static, str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    NoRuntime(NeedsRuntime),
    ZeroConcurrency,
}

/// A part of a scope that cannot do without a runtime.
#[derive(Clone, Debug)]
pub(super) enum NeedsRuntime {
    /// What every scope may have, by what it is.
    Own(&'static str),
    /// A source, by its name.
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
    pub(super) fn no_runtime(scope: Cow<'static, str>, part: NeedsRuntime) -> Self {
        Self {
            scope,
            kind: Kind::NoRuntime(part),
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
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = OneLine(&self.scope);
        match &self.kind {
            Kind::NoRuntime(part) => write!(
                f,
                "scope {scope} has no runtime for {part}: give it one by `runtime(&handle)`"
            ),
            Kind::ZeroConcurrency => write!(
                f,
                "scope {scope} lets no child run: give `concurrency` one at least"
            ),
        }
    }
}

impl Error for BuildError {}
