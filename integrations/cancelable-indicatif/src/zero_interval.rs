//! The error of a draw interval of zero.

use std::error::Error;
use std::fmt;

/// The error of an interval of zero between two draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroInterval;

impl fmt::Display for ZeroInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bars cannot be drawn at an interval of zero")
    }
}

impl Error for ZeroInterval {}
