//! The state of a file at one moment, without its content.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The identity of a file, if the system has one: its device and its number there.
pub(super) type Identity = Option<(u64, u64)>;

/// The state of an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) identity: Identity,
    length: u64,
    modified: Option<SystemTime>,
}

impl Snapshot {
    /// Returns the state of the file at `path`; none if there is no file. Links are followed, and a dangling link
    /// does not count as a file.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            // A parent that is a file has nothing below it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn of(metadata: &Metadata) -> Self {
        Self {
            identity: identity(metadata),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// The identity is not available without unsafe code there. The time of creation is used instead.
#[cfg(not(unix))]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    let created = metadata.created().ok()?;
    let since = created.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), u64::from(since.subsec_nanos())))
}
