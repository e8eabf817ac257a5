//! Why a scope could not be built.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A scope needs a runtime and none is known.
#[derive(Clone, Debug)]
pub struct BuildError {
    scope: Cow<'static, str>,
    /// The part of the scope that needs it.
    part: Cow<'static, str>,
}

impl BuildError {
    pub(super) fn no_runtime(scope: Cow<'static, str>, part: Cow<'static, str>) -> Self {
        Self { scope, part }
    }

    /// The name of the scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, part } = self;
        write!(
            f,
            "scope {scope} has no runtime for its {part}: give it one by `runtime(&handle)`"
        )
    }
}

impl Error for BuildError {}
