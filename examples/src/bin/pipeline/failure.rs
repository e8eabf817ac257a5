//! The failures of the pipeline.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use cancelable_core::scope::RunError;
use common::shown;

/// A failure of the pipeline.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file or a stream could not be opened, read or written.
    File {
        name: PathBuf,
        error: io::Error,
    },
    /// The checkpoint belongs to other input or options.
    NotResumable {
        checkpoint: PathBuf,
        why: String,
    },
    /// There is a checkpoint of an unfinished run, and no option says to use or to discard it.
    Unfinished {
        checkpoint: PathBuf,
    },
    /// The named files cannot be used together.
    Files(String),
    Other(Box<dyn Error + Send + Sync>),
}

/// EX_DATAERR of sysexits.h.
const DATA: u8 = 65;

impl Failure {
    pub(crate) fn file(name: &Path) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |error| Self::File { name, error }
    }

    pub(crate) fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Returns the failure that ended the run.
    pub(crate) fn of_run(error: RunError<Self>) -> Self {
        match error.into_failed() {
            Ok(failure) => failure,
            Err(error) => Self::Other(error.to_string().into()),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotResumable { .. } => DATA,
            Self::File { .. } | Self::Unfinished { .. } | Self::Files(_) | Self::Other(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, error } => write!(f, "{}: {error}", shown(name)),
            Self::NotResumable { checkpoint, why } => {
                write!(f, "cannot resume from {}: {why}", shown(checkpoint))
            }
            Self::Unfinished { checkpoint } => write!(
                f,
                "{} is of a run that has not ended: go on with --resume, or begin anew with --restart",
                shown(checkpoint)
            ),
            Self::Files(text) => f.write_str(text),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Other(error) => error.source(),
            Self::NotResumable { .. } | Self::Unfinished { .. } | Self::Files(_) => None,
        }
    }
}
