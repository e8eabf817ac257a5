//! Helpers that the tests of several rooms share.

#[cfg(feature = "testing")]
pub(crate) mod clockwork;
pub(crate) mod hand;
#[cfg(feature = "testing")]
pub(crate) mod log_lines;
pub(crate) mod probe;
#[cfg(feature = "testing")]
mod scopes;

#[cfg(feature = "testing")]
pub(crate) use scopes::{builder_on, open, open_on};

/// One second of a clock that the test moves.
#[cfg(feature = "testing")]
pub(crate) const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// A limit on concurrency.
#[cfg(feature = "testing")]
pub(crate) const fn at_most(limit: usize) -> std::num::NonZeroUsize {
    std::num::NonZeroUsize::new(limit).expect("a limit is not zero")
}
