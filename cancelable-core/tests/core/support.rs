//! Helpers that the tests of several rooms share.

#[cfg(feature = "testing")]
pub(crate) mod clockwork;
pub(crate) mod hand;
#[cfg(feature = "testing")]
pub(crate) mod log_lines;
pub(crate) mod probe;
