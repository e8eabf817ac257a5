//! A file that lines are written to, whole ones, and how much of it is true.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use common::{Destination, Stdout, stdin_file};

/// Where lines go.
#[derive(Debug)]
enum To {
    File(File),
    Stdout(Stdout),
}

/// Where lines go, and how much of it is true.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: PathBuf,
    to: To,
    /// How much of it is written, if it is a regular file: only that can be cut back.
    written: Option<u64>,
}

impl Target {
    /// The file at `path`, which is made if it is not there, and left as it is.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let (file, is_file) = match Destination::of(path)? {
            // It may be an open file of somebody's who has begun it: that is gone on with.
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

    /// Standard output, without the standard library's buffer.
    pub(crate) fn stdout() -> io::Result<Self> {
        Ok(Self {
            name: "standard output".into(),
            to: To::Stdout(Stdout::open()?),
            written: None,
        })
    }

    /// How much of it is written; `None` if it is no regular file.
    pub(crate) fn written(&self) -> Option<u64> {
        self.written
    }

    /// Keeps others from writing it, for as long as it is open. False if another one does.
    pub(crate) fn lock(&self) -> io::Result<bool> {
        match &self.to {
            To::File(file) => lock(file),
            To::Stdout(_) => Ok(true),
        }
    }

    /// Cuts off what is behind the first `length` bytes, and goes on there.
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

    /// Completes when what was written is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match (&self.to, self.written) {
            (To::File(file), Some(_)) => file.sync_data(),
            _ => Ok(()),
        }
    }
}

/// The file at `path` and what the system says of it, or standard input.
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
        // Some file systems have no locks, and need not be refused for that.
        Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Nothing that Rust 1.85 has.
#[cfg(not(unix))]
fn lock(_: &File) -> io::Result<bool> {
    Ok(true)
}
