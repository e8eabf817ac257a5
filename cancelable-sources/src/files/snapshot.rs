//! What a file is at one moment, as far as it can be told without reading it.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Which file a path leads to, where the system tells: its device and its number there.
pub(super) type Identity = Option<(u64, u64)>;

/// A file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) identity: Identity,
    length: u64,
    modified: Option<SystemTime>,
}

impl Snapshot {
    /// What is at `path`; none if nothing is. Links are followed, and one that leads nowhere is
    /// nothing.
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

/// Not to be had there without unsafe code. The time of creation stands in for it.
#[cfg(not(unix))]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    let created = metadata.created().ok()?;
    let since = created.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), u64::from(since.subsec_nanos())))
}
