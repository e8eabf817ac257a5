//! The error of an invalid limit.

use super::GaugeUnit;
use super::bytes::Measured;
use std::error::Error;
use std::fmt;

/// The error of an invalid limit, path or interval for a resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidLimit {
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    NotANumber(f64),
    Endless(f64),
    NotPositive(f64, GaugeUnit),
    OverHundred(f64),
    ZeroInterval,
    EmptyPath,
}

impl InvalidLimit {
    /// The limit, or the reason why it is invalid.
    pub(super) fn check(limit: f64, unit: GaugeUnit) -> Result<f64, Self> {
        let why = if limit.is_nan() {
            Why::NotANumber(limit)
        } else if limit <= 0.0 {
            Why::NotPositive(limit, unit)
        } else if unit == GaugeUnit::Percent && limit > 100.0 {
            Why::OverHundred(limit)
        } else if limit.is_infinite() {
            Why::Endless(limit)
        } else {
            return Ok(limit);
        };
        Err(Self { why })
    }

    pub(super) fn zero_interval() -> Self {
        let why = Why::ZeroInterval;
        Self { why }
    }

    pub(super) fn empty_path() -> Self {
        let why = Why::EmptyPath;
        Self { why }
    }

    /// Whether the interval between two looks was zero.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.why == Why::ZeroInterval
    }

    /// Whether the path was empty.
    #[must_use]
    pub fn is_path(&self) -> bool {
        self.why == Why::EmptyPath
    }
}

impl fmt::Display for InvalidLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::NotANumber(limit) => write!(f, "a limit of {limit} is not a number"),
            Why::Endless(limit) => write!(
                f,
                "a limit of {limit} is never reached: give one that has an end"
            ),
            Why::NotPositive(limit, unit) => write!(
                f,
                "a limit of {} is reached by everything: give one above zero",
                Measured(limit, unit)
            ),
            // Not rounded: it may be more than 100 by little.
            Why::OverHundred(limit) => write!(
                f,
                "a limit of {limit} % is never reached: 100 % is all there is"
            ),
            Why::ZeroInterval => {
                f.write_str("a resource needs an interval longer than zero between two looks")
            }
            Why::EmptyPath => f.write_str("a disk is found by a path on it, and this one is empty"),
        }
    }
}

impl Error for InvalidLimit {}
