//! The error of a file that cannot be watched.

use cancelable_core::cause::escaped;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The error of an invalid path or interval for a watched file.
#[derive(Clone, Debug)]
pub struct InvalidWatch {
    why: Why,
}

#[derive(Clone, Debug)]
enum Why {
    EmptyPath,
    Nul,
    TooLong(Arc<io::Error>),
    NoPlace(Arc<io::Error>),
    ZeroInterval,
}

impl InvalidWatch {
    pub(super) fn empty_path() -> Self {
        let why = Why::EmptyPath;
        Self { why }
    }

    pub(super) fn nul() -> Self {
        let why = Why::Nul;
        Self { why }
    }

    pub(super) fn too_long(error: io::Error) -> Self {
        let why = Why::TooLong(Arc::new(error));
        Self { why }
    }

    pub(super) fn no_place(error: io::Error) -> Self {
        let why = Why::NoPlace(Arc::new(error));
        Self { why }
    }

    pub(super) fn zero_interval() -> Self {
        let why = Why::ZeroInterval;
        Self { why }
    }

    /// Whether the interval between two looks was zero.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        matches!(self.why, Why::ZeroInterval)
    }

    /// Whether the path was invalid, or relative while the current directory is not known.
    #[must_use]
    pub fn is_path(&self) -> bool {
        !self.is_interval()
    }
}

impl fmt::Display for InvalidWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::EmptyPath => f.write_str("the path of a file to watch is empty"),
            Why::Nul => f.write_str("the path of a file to watch has a zero byte in it"),
            Why::TooLong(error) => {
                write!(
                    f,
                    "the path of a file to watch is too long: {}",
                    escaped(error)
                )
            }
            Why::NoPlace(error) => {
                write!(
                    f,
                    "the path of a file to watch cannot be made absolute: {}",
                    escaped(error)
                )
            }
            Why::ZeroInterval => {
                f.write_str("a file needs an interval longer than zero between two looks")
            }
        }
    }
}

impl Error for InvalidWatch {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::TooLong(error) | Why::NoPlace(error) => Some(&**error),
            Why::EmptyPath | Why::Nul | Why::ZeroInterval => None,
        }
    }
}
