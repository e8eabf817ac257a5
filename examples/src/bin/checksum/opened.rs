//! A file opened for hashing: never one that blocks, never the file that the lines go to.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::walk::kind_of;

/// What opening an entry of the walk came to.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A regular file.
    File(File),
    /// Something else by now, or reached through the name of something else.
    Special(&'static str),
    /// The file that the lines are written to: its digest would be wrong as soon as it is written.
    Output,
}

/// Opens `path` unless it is no regular file or is `output`.
///
/// The walk has seen a regular file under this name, but names change hands: without the flags, opening
/// a fifo that took its place would wait for a writer, and a link that took its place would be followed.
pub(crate) fn open(path: &Path, follow: bool, output: Option<&Identity>) -> io::Result<Opened> {
    let file = open_options(follow).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Opened::Special(kind_of(metadata.file_type())));
    }
    if output.is_some_and(|output| output.is(&metadata, path)) {
        return Ok(Opened::Output);
    }
    Ok(Opened::File(file))
}

#[cfg(unix)]
fn open_options(follow: bool) -> OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, !follow);
    let mut options = OpenOptions::new();
    // The flags are bits, and the system takes them as a signed number.
    options.read(true).custom_flags(flags.bits() as i32);
    options
}

#[cfg(not(unix))]
fn open_options(_follow: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// Which file it is, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

impl Identity {
    /// The identity of an open regular file; `path` is its name where there is one.
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata, _path: Option<&Path>) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
        })
    }

    /// The identity of an open regular file; `path` is its name where there is one.
    #[cfg(not(unix))]
    pub(crate) fn of(_metadata: &Metadata, path: Option<&Path>) -> Option<Self> {
        Some(Self {
            path: path?.canonicalize().ok()?,
        })
    }

    /// Whether the file of this metadata is the one.
    pub(crate) fn is(&self, metadata: &Metadata, path: &Path) -> bool {
        Self::of(metadata, Some(path)).as_ref() == Some(self)
    }
}
