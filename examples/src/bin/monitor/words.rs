//! The text of times, counts and bars.

use std::time::Duration;

use cancelable_core::cause::escaped;
use cancelable_core::operation::ProgressFigures;
use cancelable_core::registry::Statistics;
use cancelable_core::{Cause, Status};
use indicatif::HumanCount;

const STATUSES: [Status; 6] = [
    Status::Running,
    Status::Pending,
    Status::Completed,
    Status::Cancelled,
    Status::Failed,
    Status::NeverRun,
];

/// Returns a time in at most six characters: `450ms`, `3.2s`, `1m05s`, `2h07m`, `3d04h`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.subsec_millis()),
        1..60 => format!("{seconds}.{}s", span.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Returns `1,000 operations: 40 running, 960 completed`.
pub(crate) fn statistics(statistics: &Statistics) -> String {
    let counts = STATUSES.map(|status| (statistics.count(status), status));
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, status)| format!("{} {status}", HumanCount(count)))
        .collect();
    format!(
        "{} operations: {}",
        HumanCount(statistics.total()),
        counts.join(", ")
    )
}

/// Returns the times of ended operations: `took: mean 1.2s, p50 1.0s, p99 4.0s, max 5.1s`.
pub(crate) fn durations(statistics: &Statistics) -> String {
    match statistics.durations() {
        None => "none has ended yet".to_owned(),
        Some(took) => format!(
            "took: mean {}, p50 {}, p99 {}, max {}",
            span(took.mean()),
            span(took.p50()),
            span(took.p99()),
            span(took.max())
        ),
    }
}

/// The detail of a progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// ` 60%`
    Percent,
    /// `██████░░░░  60%`
    Bar,
    /// `██████░░░░  60%  12/s 3.0s`
    Rate,
}

/// Returns the progress and, depending on the detail, the rate and the time left.
pub(crate) fn progress(figures: &ProgressFigures, detail: Detail) -> String {
    let mut text = match (figures.fraction(), detail) {
        (Some(fraction), Detail::Percent) => format!("{:>3.0}%", fraction * 100.0),
        (Some(fraction), _) => format!("{} {:>3.0}%", bar(fraction), fraction * 100.0),
        (None, Detail::Percent) => HumanCount(figures.position()).to_string(),
        (None, _) => format!("{} done", HumanCount(figures.position())),
    };
    if detail != Detail::Rate {
        return text;
    }
    if let Some(rate) = figures.rate().filter(|rate| *rate > 0.0) {
        text += &format!(" {rate:>5.1}/s");
    }
    if let Some(eta) = figures.eta().filter(|eta| !eta.is_zero()) {
        text += &format!(" {}", span(eta));
    }
    text
}

/// Returns the cause of a cancel in few words: its message, if there is one.
pub(crate) fn cause(cause: &Cause) -> String {
    cause.message().map_or_else(
        || cause.without_location().to_string(),
        |words| escaped(words).to_string(),
    )
}

fn bar(fraction: f64) -> String {
    // From 0 to 10, also for a fraction outside of its range.
    let full = (fraction.clamp(0.0, 1.0) * 10.0) as usize;
    "█".repeat(full) + &"░".repeat(10 - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (millis, wanted) in [
            (0, "0ms"),
            (999, "999ms"),
            (3_250, "3.2s"),
            (59_999, "59.9s"),
            (65_000, "1m05s"),
            (7_620_000, "2h07m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), wanted);
        }
    }

    #[test]
    fn a_bar_has_its_length_whatever_the_fraction() {
        for (fraction, wanted) in [
            (0.0, "░░░░░░░░░░"),
            (0.65, "██████░░░░"),
            (1.0, "██████████"),
            (7.0, "██████████"),
            (f64::NAN, "░░░░░░░░░░"),
        ] {
            assert_eq!(bar(fraction), wanted);
        }
    }
}
