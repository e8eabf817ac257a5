//! Why a step cannot be put on a stream.

use std::error::Error;
use std::fmt;

/// A step of a stream cannot work as it was described.
#[derive(Clone, Debug)]
pub struct StepError {
    step: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Zero,
    NoOperation,
    NoRuntime,
}

impl StepError {
    /// Fails where `count` is zero.
    pub(super) fn unless_zero(step: &'static str, count: usize) -> Result<usize, Self> {
        match count {
            0 => Err(Self::new(step, Kind::Zero)),
            count => Ok(count),
        }
    }

    pub(super) fn no_operation(step: &'static str) -> Self {
        Self::new(step, Kind::NoOperation)
    }

    pub(super) fn no_runtime(step: &'static str) -> Self {
        Self::new(step, Kind::NoRuntime)
    }

    fn new(step: &'static str, kind: Kind) -> Self {
        Self { step, kind }
    }

    /// Whether it was to be done for every zero items.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Zero
    }

    /// Whether it needs an operation, and the stream was cut by a bare token.
    #[must_use]
    pub fn is_without_operation(&self) -> bool {
        self.kind == Kind::NoOperation
    }

    /// Whether it needs the time, and no runtime is there to tell it.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        self.kind == Kind::NoRuntime
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step;
        match self.kind {
            Kind::Zero => write!(f, "`{step}` was given zero items: give it one at least"),
            Kind::NoOperation => write!(
                f,
                "`{step}` has no operation to report to: make the stream by `Operation::stream`"
            ),
            Kind::NoRuntime => write!(
                f,
                "`{step}` has no runtime to tell the time: make the stream by `Operation::stream` \
                 in a scope that has one"
            ),
        }
    }
}

impl Error for StepError {}
