//! What the steps of a progress are, and how they are written.

use indicatif::{BinaryBytes, HumanCount, ProgressStyle};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Steps,
    Bytes,
}

impl Unit {
    /// A bar where the total is known, a spinner where not. The figures of bytes are longer, and
    /// leave less room for the bar.
    pub(crate) fn style(self, has_total: bool) -> ProgressStyle {
        style(match (self, has_total) {
            (Self::Steps, true) => "{prefix} {bar:24} {human_pos}/{human_len} {wide_msg}",
            (Self::Steps, false) => "{prefix} {spinner} {human_pos} {wide_msg}",
            (Self::Bytes, true) => {
                "{prefix} {bar:12} {binary_bytes}/{binary_total_bytes} {wide_msg}"
            }
            (Self::Bytes, false) => "{prefix} {spinner} {binary_bytes} {wide_msg}",
        })
    }

    /// So many a second.
    pub(crate) fn rate(self, rate: f64) -> String {
        match self {
            Self::Steps if rate < 10.0 => format!("{rate:.1}/s"),
            Self::Steps => format!("{}/s", HumanCount(rate.round() as u64)),
            Self::Bytes => format!("{}/s", BinaryBytes(rate.round() as u64)),
        }
    }
}

/// The templates are constants of this file, and a test draws each: the default spares a panic.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
