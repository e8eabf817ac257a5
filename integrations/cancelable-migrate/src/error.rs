//! The error of a migration that cannot be planned or written.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

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
        Self::new(format!("{}:{line}: {problem}", file.display()))
    }

    pub(crate) fn io(file: &Path, step: &str, error: io::Error) -> Self {
        Self {
            message: format!("{}: {step}: {error}", file.display()),
            source: Some(error),
        }
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
