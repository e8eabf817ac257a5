//! What a person has to look at after the migration.

use crate::error::shown;
use std::fmt;
use std::path::{Path, PathBuf};

/// A place that was not moved, or that was moved and deserves a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    file: PathBuf,
    line: usize,
    is_left: bool,
    text: String,
}

impl Remark {
    /// A place that has to be moved by hand.
    pub(crate) fn left(file: &Path, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            is_left: true,
            text: text.into(),
        }
    }

    /// A place that was moved, with an effect that the compiler does not report.
    pub(crate) fn note(file: &Path, line: usize, text: impl Into<String>) -> Self {
        Self {
            is_left: false,
            ..Self::left(file, line, text)
        }
    }

    /// The file, relative to the root of the workspace.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line in the file before the migration, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns true for a place that was not moved.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.is_left
    }

    /// The explanation, without the place.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_left { "not moved" } else { "note" };
        let file = shown(&self.file);
        write!(f, "{file}:{}: {kind}: {}", self.line, self.text)
    }
}
