//! Times for people.

use std::fmt;
use std::time::Duration;

/// A time, rounded to its two largest units at most: `200ms`, `1.6s`, `2m 5s`, `1h`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Half of the smallest shown unit is added, so that the time is rounded and not truncated.
        let micros = self.0.as_micros();
        let (millis, tenths, seconds) = (
            (micros + 500) / 1_000,
            (micros + 50_000) / 100_000,
            (micros + 500_000) / 1_000_000,
        );
        match () {
            () if micros == 0 && self.0.is_zero() => f.write_str("0s"),
            () if micros < 1_000 => write!(f, "{}us", micros.max(1)),
            () if millis < 1_000 => write!(f, "{millis}ms"),
            () if tenths < 600 && tenths % 10 != 0 => {
                write!(f, "{}.{}s", tenths / 10, tenths % 10)
            }
            () if tenths < 600 => write!(f, "{}s", tenths / 10),
            () if seconds < 3_600 => two(f, (seconds / 60, "m"), (seconds % 60, "s")),
            () if seconds < 86_400 => two(f, (seconds / 3_600, "h"), (seconds / 60 % 60, "m")),
            () => two(f, (seconds / 86_400, "d"), (seconds / 3_600 % 24, "h")),
        }
    }
}

/// Writes the larger unit and, unless it is zero, the smaller.
fn two(f: &mut fmt::Formatter<'_>, large: (u128, &str), small: (u128, &str)) -> fmt::Result {
    write!(f, "{}{}", large.0, large.1)?;
    match small.0 {
        0 => Ok(()),
        count => write!(f, " {count}{}", small.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_shown_than_matters() {
        for (nanos, wanted) in [
            (0, "0s"),
            (3, "1us"),
            (250_000, "250us"),
            (200_000_003, "200ms"),
            (399_999_996, "400ms"),
            (999_600_000, "1s"),
            (1_600_000_024, "1.6s"),
            (59_960_000_000, "1m"),
            (125_000_000_000, "2m 5s"),
            (3_600_000_000_000, "1h"),
            (3_660_000_000_000, "1h 1m"),
            (273_600_000_000_000, "3d 4h"),
        ] {
            assert_eq!(Span(Duration::from_nanos(nanos)).to_string(), wanted);
        }
    }
}
