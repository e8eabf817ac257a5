//! The layout of a line in the width of the terminal: a line never wraps.

use console::{measure_text_width, truncate_str};

/// The least and the greatest length of a bar.
const BAR: (usize, usize) = (8, 24);
/// The greatest part of the line for a label.
const LABEL: usize = 3;

/// The parts of a line, from left to right.
pub(crate) struct Layout<'a> {
    pub(crate) label: &'a str,
    /// From 0 to 1; none while the total is not known.
    pub(crate) fraction: Option<f32>,
    /// In place of the bar while the total is not known.
    pub(crate) spinner: char,
    pub(crate) figures: &'a str,
    /// Such as `4.0/s`.
    pub(crate) rate: Option<String>,
    /// Such as `2s left`.
    pub(crate) eta: Option<String>,
    pub(crate) message: Option<String>,
}

impl Layout<'_> {
    /// Returns the line in at most `columns` columns. If it does not fit, the bar is shortened, and parts are
    /// left out: the bar, then the rate, then the time left. Label and message are cut with an ellipsis.
    pub(crate) fn line(self, columns: usize) -> String {
        let label = fit(self.label, (columns / LABEL).max(BAR.0));
        let mut room = columns.saturating_sub(width(&label) + 1 + width(self.figures));
        // The message has half of the rest if it needs that, and more if no other part needs it.
        let wanted = self.message.as_deref().map_or(0, |text| width(text) + 2);
        let mut for_message = wanted.min(room / 2);
        room -= for_message;
        // The space before it, or the comma between the two.
        let eta = self.eta.filter(|eta| take(&mut room, width(eta) + 1));
        let rate = self
            .rate
            .filter(|rate| take(&mut room, width(rate) + 1 + usize::from(eta.is_some())));
        let bar = match self.fraction {
            None => take(&mut room, 2).then(|| self.spinner.to_string()),
            Some(fraction) => {
                let length = room.saturating_sub(wanted - for_message + 1);
                let length = length.clamp(BAR.0, BAR.1);
                // Less of a message is worth less than the shortest bar.
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
            (Some(one), None) | (None, Some(one)) => add(" ", one),
            (None, None) => {}
        }
        if let (Some(message), 3..) = (&self.message, for_message) {
            add("  ", &fit(message, for_message - 2));
        }
        fit(&line, columns)
    }
}

/// Takes `length` columns if that many are left, and returns whether they were.
fn take(room: &mut usize, length: usize) -> bool {
    let rest = room.checked_sub(length);
    *room = rest.unwrap_or(*room);
    rest.is_some()
}

fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// Returns the text, cut with an ellipsis if it is longer than the room for it.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let tail = if columns == 0 { "" } else { "…" };
    truncate_str(text, columns, tail).into_owned()
}

fn bar(fraction: f32, length: usize) -> String {
    // Clamped, because a fraction may be out of range or not a number.
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
