//! The error of drawing without a pause.

use std::error::Error;
use std::fmt;

/// Bars were to be drawn at an interval of zero, which would do nothing else any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroInterval;

impl fmt::Display for ZeroInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bars cannot be drawn at an interval of zero")
    }
}

impl Error for ZeroInterval {}
