//! The columns of the tree for a given width.
//!
//! A user looks for the name of an operation and the cause of its cancel. These two columns are
//! readable at any usual width; the other columns become shorter, and then disappear.

use ratatui::text::Span;

use crate::row::Row;
use crate::words::{self, Detail};

/// The width of most names with their position in the tree.
const NAME: usize = 20;
/// The width that a name can use at most.
const LONG_NAME: usize = 40;
/// The width of most causes.
const CAUSE: usize = 26;

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Name,
    Status,
    Age,
    Left,
    Progress(Detail),
    Cause,
}

/// A column and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) content: Content,
    pub(crate) width: usize,
}

/// The sets of columns between the name and the cause, from the largest to the smallest.
const MIDDLES: [&[Content]; 7] = [
    &[
        Content::Status,
        Content::Age,
        Content::Left,
        Content::Progress(Detail::Rate),
    ],
    &[
        Content::Status,
        Content::Age,
        Content::Left,
        Content::Progress(Detail::Bar),
    ],
    &[
        Content::Status,
        Content::Age,
        Content::Left,
        Content::Progress(Detail::Percent),
    ],
    &[
        Content::Status,
        Content::Left,
        Content::Progress(Detail::Percent),
    ],
    &[Content::Status, Content::Progress(Detail::Percent)],
    &[Content::Status],
    &[],
];

impl Content {
    fn head(self) -> &'static str {
        match self {
            Self::Name => "operation",
            Self::Status => "status",
            Self::Age => "age",
            Self::Left => "left",
            Self::Progress(Detail::Percent) => "done",
            Self::Progress(_) => "progress",
            Self::Cause => "to stop because",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Name => NAME,
            Self::Status => 9,
            Self::Age | Self::Left => 6,
            Self::Progress(Detail::Rate) => 31,
            Self::Progress(Detail::Bar) => 15,
            Self::Progress(Detail::Percent) => 4,
            Self::Cause => CAUSE,
        }
    }
}

/// Returns the columns of a table of this width, with a space between each two.
pub(crate) fn columns(width: usize) -> Vec<Column> {
    let middle_width =
        |middle: &[Content]| -> usize { middle.iter().map(|content| content.width() + 1).sum() };
    let fits = |middle: &&[Content]| NAME + middle_width(middle) + 1 + CAUSE <= width;
    let middle = MIDDLES.into_iter().find(fits).unwrap_or_default();
    let room = width.saturating_sub(middle_width(middle) + 1);
    // Both columns share the remaining room. If room is missing, the cause becomes shorter too.
    let name = match room.checked_sub(NAME + CAUSE) {
        Some(more) => (NAME + more / 3).min(LONG_NAME),
        None => (room * NAME).div_ceil(NAME + CAUSE),
    };
    let mut columns = vec![Column {
        content: Content::Name,
        width: name,
    }];
    columns.extend(middle.iter().map(|&content| Column {
        content,
        width: content.width(),
    }));
    columns.push(Column {
        content: Content::Cause,
        width: room - name.min(room),
    });
    columns
}

impl Column {
    /// Returns the heading.
    pub(crate) fn head(self) -> String {
        fit(self.content.head(), self.width)
    }

    /// Returns the text of the column for a row.
    pub(crate) fn cell(self, row: &Row) -> String {
        let text = match self.content {
            Content::Name => row.title(),
            Content::Status => row.state().to_owned(),
            Content::Age => row.age.map(words::span).unwrap_or_default(),
            Content::Left => row.remaining.map(words::span).unwrap_or_default(),
            Content::Progress(detail) => row.progress(detail),
            Content::Cause => row.cause(),
        };
        fit(&text, self.width)
    }
}

/// Returns the text, truncated with an ellipsis to this number of terminal columns.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let width_of = |text: &str| Span::raw(text).width();
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut fitting = String::new();
    let mut room = width.saturating_sub(1);
    for character in text.chars() {
        let taken = width_of(character.encode_utf8(&mut [0; 4]));
        let Some(rest) = room.checked_sub(taken) else {
            break;
        };
        room = rest;
        fitting.push(character);
    }
    if width > 0 {
        fitting.push('…');
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width_of(wanted: Content, total: usize) -> Option<usize> {
        let columns = columns(total);
        let column = columns.iter().find(|column| column.content == wanted);
        column.map(|column| column.width)
    }

    #[test]
    fn the_name_and_the_cause_can_be_read_at_any_usual_width() {
        for width in 47..300 {
            let columns = columns(width);
            let taken: usize = columns.iter().map(|column| column.width + 1).sum();
            assert_eq!(taken, width + 1, "{columns:?}");
            assert!(width_of(Content::Name, width) >= Some(NAME), "{columns:?}");
            assert!(
                width_of(Content::Cause, width) >= Some(CAUSE),
                "{columns:?}"
            );
        }
        assert_eq!(width_of(Content::Progress(Detail::Percent), 80), Some(4));
        assert_eq!(width_of(Content::Progress(Detail::Rate), 120), Some(31));
    }

    #[test]
    fn a_narrow_screen_is_shared_by_the_two() {
        for width in 0..47 {
            let columns = columns(width);
            assert_eq!(columns.len(), 2);
            let taken: usize = columns.iter().map(|column| column.width).sum();
            assert_eq!(taken, width.saturating_sub(1), "{columns:?}");
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        for (text, width, wanted) in [
            ("fetch", 5, "fetch"),
            ("fetching", 5, "fetc…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("x", 0, ""),
            ("xy", 1, "…"),
        ] {
            assert_eq!(fit(text, width), wanted);
        }
    }
}
