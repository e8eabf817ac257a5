//! The walk: one directory entry at a time, so that a tree of any size needs the same memory.

use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The limit on open directories. A deeper directory needs memory for the rest of the topmost one.
const MOST_OPEN: usize = 128;

/// An entry of the walk.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(Entry),
    /// A fifo, a socket or a device: a read may block for ever or never end.
    Special(PathBuf, &'static str),
    /// A symbolic link that is not followed.
    Link,
    /// A directory, whose entries come next.
    Directory,
    /// An entry or a directory that could not be read.
    Unreadable(PathBuf, io::Error),
}

/// A regular file. Its size needs a system call, which workers avoid: they see the size when they
/// open it.
#[derive(Debug)]
pub(crate) struct Entry(walkdir::DirEntry);

impl Entry {
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        match self.is_root() {
            true => self.0.path().metadata(),
            false => self.0.metadata().map_err(io::Error::from),
        }
    }

    /// It is the root of the walk. A link that was requested by its name is followed.
    pub(crate) fn is_root(&self) -> bool {
        self.0.depth() == 0
    }

    pub(crate) fn into_path(self) -> PathBuf {
        self.0.into_path()
    }
}

/// An iterator over a tree, in the order of the directory listings.
#[derive(Debug)]
pub(crate) struct Walk {
    root: PathBuf,
    entries: walkdir::IntoIter,
}

impl Walk {
    pub(crate) fn new(root: &Path, follow: bool) -> Self {
        let entries = walkdir::WalkDir::new(root)
            .follow_links(follow)
            .max_open(MOST_OPEN)
            .into_iter();
        Self {
            root: root.to_owned(),
            entries,
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        Some(match self.entries.next()? {
            Ok(entry) => {
                let file_type = entry.file_type();
                if file_type.is_file() {
                    Found::File(Entry(entry))
                } else if file_type.is_dir() {
                    Found::Directory
                } else if file_type.is_symlink() && entry.depth() == 0 {
                    root_link(entry)
                } else if file_type.is_symlink() {
                    Found::Link
                } else {
                    let kind = kind_of(file_type);
                    Found::Special(entry.into_path(), kind)
                }
            }
            Err(error) => {
                let path = error.path().unwrap_or(&self.root).to_owned();
                // A loop of links has no system error.
                let error = if error.loop_ancestor().is_some() {
                    io::Error::other("a loop of symbolic links")
                } else {
                    // The path is printed already.
                    error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("cannot be read"))
                };
                Found::Unreadable(path, error)
            }
        })
    }
}

/// Returns the target of a link at the root of the walk. The entries of a directory come next.
fn root_link(entry: walkdir::DirEntry) -> Found {
    match entry.path().metadata() {
        Ok(metadata) if metadata.is_file() => Found::File(Entry(entry)),
        Ok(metadata) if metadata.is_dir() => Found::Directory,
        Ok(metadata) => Found::Special(entry.into_path(), kind_of(metadata.file_type())),
        Err(error) => Found::Unreadable(entry.into_path(), error),
    }
}

/// Returns the word for a file that is neither regular nor a directory nor a link.
#[cfg(unix)]
pub(crate) fn kind_of(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if file_type.is_fifo() {
        "a fifo"
    } else if file_type.is_socket() {
        "a socket"
    } else if file_type.is_block_device() || file_type.is_char_device() {
        "a device"
    } else if file_type.is_dir() {
        "a directory"
    } else {
        "not a regular file"
    }
}

#[cfg(not(unix))]
pub(crate) fn kind_of(_: FileType) -> &'static str {
    "not a regular file"
}
