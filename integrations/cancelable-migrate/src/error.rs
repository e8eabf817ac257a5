//! The error of a migration that cannot be planned or written.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{MAIN_SEPARATOR, Path};

/// The reason why nothing was planned or nothing was written.
#[derive(Debug)]
pub struct MigrateError {
    message: String,
    source: Option<io::Error>,
}

impl MigrateError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn at(file: &Path, line: usize, problem: impl fmt::Display) -> Self {
        Self::new(format!("{}:{line}: {problem}", shown(file)))
    }

    pub(crate) fn io(file: &Path, step: &str, error: io::Error) -> Self {
        Self {
            message: format!("{}: {step}: {error}", shown(file)),
            source: Some(error),
        }
    }
}

/// Returns a path as it is shown: with slashes on every system, as `git diff` does.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    match MAIN_SEPARATOR {
        '/' => text,
        separator => text.replace(separator, "/"),
    }
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for MigrateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
