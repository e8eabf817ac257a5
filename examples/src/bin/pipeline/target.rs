//! An output file of complete lines, and the number of its valid bytes.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use common::{Destination, Stdout, stdin_file};

/// A target of lines.
#[derive(Debug)]
enum To {
    File(File),
    Stdout(Stdout),
}

/// A target of lines, and the number of its valid bytes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: PathBuf,
    to: To,
    /// The number of written bytes of a regular file: only such a file can be truncated.
    written: Option<u64>,
}

impl Target {
    /// Opens the file at `path`, creates it if it does not exist, and does not truncate it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let (file, is_file) = match Destination::of(path)? {
            // It may be an open file of another process with earlier content, which is kept.
            Destination::Special(path) => (options.append(true).open(path)?, false),
            Destination::File(path) => {
                options.write(true).create(true).truncate(false);
                (options.open(path)?, true)
            }
        };
        let metadata = file.metadata()?;
        Ok(Self {
            name: path.to_owned(),
            to: To::File(file),
            written: (is_file && metadata.is_file()).then_some(metadata.len()),
        })
    }

    /// Opens standard output, without the buffer of the standard library.
    pub(crate) fn stdout() -> io::Result<Self> {
        Ok(Self {
            name: "standard output".into(),
            to: To::Stdout(Stdout::open()?),
            written: None,
        })
    }

    /// Returns the number of written bytes; `None` if it is no regular file.
    pub(crate) fn written(&self) -> Option<u64> {
        self.written
    }

    /// Locks the file against other writers, as long as it is open. Returns false if another writer
    /// has the lock.
    pub(crate) fn lock(&self) -> io::Result<bool> {
        match &self.to {
            To::File(file) => lock(file),
            To::Stdout(_) => Ok(true),
        }
    }

    /// Truncates the file to `length` bytes, and continues there.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        if let (Some(written), To::File(file)) = (&mut self.written, &mut self.to) {
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
            *written = length;
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.to {
            To::File(file) => file.write_all(bytes)?,
            To::Stdout(stdout) => stdout.write_all(bytes)?,
        }
        if let Some(written) = &mut self.written {
            *written += bytes.len() as u64;
        }
        Ok(())
    }

    /// Completes when the written bytes are on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match (&self.to, self.written) {
            (To::File(file), Some(_)) => file.sync_data(),
            _ => Ok(()),
        }
    }
}

/// Opens the file at `path`, or standard input, with its metadata.
pub(crate) fn input(path: Option<&Path>) -> io::Result<(File, Metadata)> {
    let file = match path {
        Some(path) => File::open(path)?,
        None => stdin_file()?,
    };
    let metadata = file.metadata()?;
    match metadata.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok((file, metadata)),
    }
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        // Some file systems have no locks, which is no reason to refuse them.
        Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Rust 1.85 has no file locks.
#[cfg(not(unix))]
fn lock(_: &File) -> io::Result<bool> {
    Ok(true)
}
