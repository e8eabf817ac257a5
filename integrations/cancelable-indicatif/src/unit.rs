//! The unit of progress, and its text.

use cancelable_core::operation::ProgressFigures;
use indicatif::{BinaryBytes, HumanCount};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Steps,
    Bytes,
}

impl Unit {
    /// Returns the position and, if it is known, the total: `4/10`.
    pub(crate) fn figures(self, figures: &ProgressFigures) -> String {
        let position = self.amount(figures.position());
        match figures.total() {
            Some(total) => format!("{position}/{}", self.amount(total)),
            None => position,
        }
    }

    /// Returns the rate in a second.
    pub(crate) fn rate(self, rate: f64) -> String {
        match self {
            Self::Steps if rate < 10.0 => format!("{rate:.1}/s"),
            _ => format!("{}/s", self.amount(rate.round() as u64)),
        }
    }

    fn amount(self, amount: u64) -> String {
        match self {
            Self::Steps => HumanCount(amount).to_string(),
            Self::Bytes => BinaryBytes(amount).to_string(),
        }
    }
}
