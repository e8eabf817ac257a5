//! A change of a range of a text.

use std::ops::Range;

/// The text that takes the place of a range of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

/// Returns `text` with all edits made. The ranges do not overlap; of two at one place the first is made first.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for edit in edits {
        out.push_str(text.get(end..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        end = edit.range.end.max(end);
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// Returns the number of the line with the byte `at`, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
