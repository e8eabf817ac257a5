//! The only reader of the operating system's clock.
//!
//! Operations take the time from their runtime. A token that is cancelled outside every operation has no
//! runtime, so the time of its cause comes from this module, as does the start of a clock that a test advances.

use std::time::Instant;

/// Returns the time of the monotonic clock.
#[allow(clippy::disallowed_methods)] // This is the seam that the lint protects.
pub(crate) fn now() -> Instant {
    Instant::now()
}
