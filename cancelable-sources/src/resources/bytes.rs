//! The text of measured values: `512 MiB`, `91.5 %`, `0.25`.

use super::GaugeUnit;
use std::fmt;

const STEPS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// A measured value with its unit.
pub(super) struct Measured(pub(super) f64, pub(super) GaugeUnit);

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        match unit {
            GaugeUnit::Bytes => {
                let (mut value, mut step) = (value, 0);
                // Ends with the steps.
                while value >= 1024.0 && step + 1 < STEPS.len() {
                    value /= 1024.0;
                    step += 1;
                }
                write!(f, "{} {}", Short(value, 1), STEPS[step])
            }
            GaugeUnit::Percent => write!(f, "{} %", Short(value, 1)),
            GaugeUnit::Number => Short(value, 3).fmt(f),
        }
    }
}

/// A number with at most this many decimals, without zeros at the end.
struct Short(f64, usize);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, decimals) = *self;
        // A number that would be rounded to zero is written in full.
        if value.abs() < 0.5 * 10_f64.powi(-(decimals as i32)) {
            return value.fmt(f);
        }
        let text = format!("{value:.decimals$}");
        match text.contains('.') {
            true => f.write_str(text.trim_end_matches('0').trim_end_matches('.')),
            false => f.write_str(&text),
        }
    }
}
