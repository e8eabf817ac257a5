//! Why the pipeline cannot go on, other than that it was told to stop.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use cancelable_core::scope::RunError;
use common::shown;

/// Why the pipeline cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file, or what stands for one, could not be opened, read or written.
    File {
        name: PathBuf,
        error: io::Error,
    },
    /// The checkpoint is of something else than what is there.
    NotResumable {
        checkpoint: PathBuf,
        why: String,
    },
    /// There is a checkpoint of a run that has not ended, and nothing was said about it.
    Unfinished {
        checkpoint: PathBuf,
    },
    /// The files that were named cannot be used together.
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

    /// What made the run fail.
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
