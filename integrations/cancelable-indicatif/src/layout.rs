//! The layout of a line within the width of the terminal. A line never wraps.

use console::{measure_text_width, truncate_str};

/// The minimum and the maximum length of a bar.
const BAR: (usize, usize) = (8, 24);
/// The divisor of the width of a line: a label has at most a third.
const LABEL: usize = 3;

/// The parts of a line, from left to right.
pub(crate) struct Layout<'a> {
    pub(crate) label: &'a str,
    /// The done part, from 0 to 1; `None` while the total is unknown.
    pub(crate) fraction: Option<f32>,
    /// The character that is shown instead of the bar while the total is unknown.
    pub(crate) spinner: char,
    pub(crate) figures: &'a str,
    /// The rate, for example `4.0/s`.
    pub(crate) rate: Option<String>,
    /// The time left, for example `2s left`.
    pub(crate) eta: Option<String>,
    pub(crate) message: Option<String>,
}

impl Layout<'_> {
    /// Returns the line in at most `columns` columns. If the line does not fit, the bar is shortened, and then parts are
    /// left out in this order: the bar, the rate, the time left. Label and message are cut with an ellipsis.
    pub(crate) fn line(self, columns: usize) -> String {
        let label = fit(self.label, (columns / LABEL).max(BAR.0));
        let mut room = columns.saturating_sub(width(&label) + 1 + width(self.figures));
        // At most half of the rest is for the message, and more only if no other part needs the room.
        let wanted = self.message.as_deref().map_or(0, |text| width(text) + 2);
        let mut for_message = wanted.min(room / 2);
        room -= for_message;
        // One more column for the space before the part, and one for the comma between rate and time.
        let eta = self.eta.filter(|eta| take(&mut room, width(eta) + 1));
        let rate = self
            .rate
            .filter(|rate| take(&mut room, width(rate) + 1 + usize::from(eta.is_some())));
        let bar = match self.fraction {
            None => take(&mut room, 2).then(|| self.spinner.to_string()),
            Some(fraction) => {
                let length = room.saturating_sub(wanted - for_message + 1);
                let length = length.clamp(BAR.0, BAR.1);
                // The shortest bar is worth more than the rest of a message.
                take(&mut room, length + 1).then(|| bar(fraction, length))
            }
        };
        for_message += room.min(wanted - for_message);

        let mut line = label;
        let mut add = |space: &str, text: &str| {
            line.push_str(space);
            line.push_str(text);
        };
        if let Some(bar) = &bar {
            add(" ", bar);
        }
        add(" ", self.figures);
        match (&rate, &eta) {
            (Some(rate), Some(eta)) => add(" ", &format!("{rate}, {eta}")),
            (Some(part), None) | (None, Some(part)) => add(" ", part),
            (None, None) => {}
        }
        if let (Some(message), 3..) = (&self.message, for_message) {
            add("  ", &fit(message, for_message - 2));
        }
        fit(&line, columns)
    }
}

/// Takes `length` columns if enough are left. Returns whether the columns were taken.
fn take(room: &mut usize, length: usize) -> bool {
    let rest = room.checked_sub(length);
    *room = rest.unwrap_or(*room);
    rest.is_some()
}

fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// Returns the text, cut with an ellipsis if it is longer than `columns`.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let tail = if columns == 0 { "" } else { "…" };
    truncate_str(text, columns, tail).into_owned()
}

fn bar(fraction: f32, length: usize) -> String {
    // Clamped, because a fraction may be out of range or NaN.
    let full = (fraction.clamp(0.0, 1.0) * length as f32) as usize;
    "█".repeat(full.min(length)) + &"░".repeat(length.saturating_sub(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: usize, label: &str, message: Option<&str>) -> String {
        let layout = Layout {
            label,
            fraction: Some(0.5),
            spinner: '-',
            figures: "512.34 MiB/1.00 TiB",
            rate: Some("512.34 MiB/s".to_owned()),
            eta: Some("35 minutes left".to_owned()),
            message: message.map(str::to_owned),
        };
        layout.line(columns)
    }

    #[test]
    fn r38_a_line_fits_into_any_width() {
        let long = "word ".repeat(50);
        for label in [
            "checksum",
            "an operation whose name is longer than most",
            "",
        ] {
            for message in [None, Some("1,234/5,000 files"), Some(long.as_str())] {
                for columns in 0..200 {
                    let line = line(columns, label, message);
                    assert!(width(&line) <= columns, "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn r38_what_says_most_is_kept() {
        assert_eq!(
            line(120, "checksum", Some("1,234/5,000 files")),
            "checksum ████████████░░░░░░░░░░░░ 512.34 MiB/1.00 TiB 512.34 MiB/s, 35 minutes left  1,234/5,000 files"
        );
        assert_eq!(
            line(80, "checksum", Some("1,234/5,000 files")),
            "checksum 512.34 MiB/1.00 TiB 512.34 MiB/s, 35 minutes left  1,234/5,000 files"
        );
        assert_eq!(
            line(80, "checksum", None),
            "checksum ██████████░░░░░░░░░░░ 512.34 MiB/1.00 TiB 512.34 MiB/s, 35 minutes left"
        );
        assert_eq!(
            line(40, "checksum", Some("1,234/5,000 files")),
            "checksum 512.34 MiB/1.00 TiB  1,234/5,0…"
        );
        assert_eq!(line(20, "checksum", None), "checksum 512.34 MiB…");
    }

    #[test]
    fn a_bar_has_its_length_whatever_the_fraction() {
        for (fraction, wanted) in [
            (0.0, "░░░░"),
            (0.5, "██░░"),
            (7.0, "████"),
            (f32::NAN, "░░░░"),
        ] {
            assert_eq!(bar(fraction, 4), wanted);
        }
    }
}
