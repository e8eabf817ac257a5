//! Why bytes were not copied to the end.

use crate::error::Cancelled;
use crate::sync::escaped;
use std::error::Error;
use std::fmt;
use std::io;

/// Copying ended before the reader did: by a cancel, or by an error of one of the two.
///
/// Every byte that was read is accounted for: it was written, or it is here.
#[derive(Debug)]
pub struct CopyError {
    copied: u64,
    unwritten: Vec<u8>,
    error: io::Error,
}

impl CopyError {
    pub(super) fn new(copied: u64, unwritten: Vec<u8>, error: io::Error) -> Self {
        Self {
            copied,
            unwritten,
            error,
        }
    }

    /// How many bytes the writer has accepted. It was not flushed after the last of them.
    #[must_use]
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// What was read after these and not written.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.unwritten
    }

    /// The cancel, if it was one.
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cancelled> {
        self.error.get_ref()?.downcast_ref()
    }

    /// The error of the reader, of the writer, or of the cancel.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes were copied, and then: {}",
            self.copied,
            escaped(&self.error)
        )
    }
}

impl Error for CopyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// The error inside, with its kind and with the cancel if it was one.
impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> Self {
        error.error
    }
}
