//! The one place that reads the operating system's clock.
//!
//! Time comes from the runtime. A token that is cancelled outside every operation has no runtime at hand,
//! so the stamp on its cause comes from here, and so does the start of a clock that is then moved by hand.

use std::time::Instant;

/// The monotonic clock's present reading.
#[allow(clippy::disallowed_methods)] // This is the seam that the lint protects.
pub(crate) fn now() -> Instant {
    Instant::now()
}
