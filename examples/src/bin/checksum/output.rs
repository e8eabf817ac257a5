//! The output of complete lines.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use common::{Destination, Identity, Left, Replacement, Stdout};
use parking_lot::Mutex;

use crate::progress::Progress;

/// The approximate size of one write.
const PIECE: usize = 64 * 1024;

/// The sink of all workers.
///
/// Each worker appends complete lines under the lock, and only complete lines are written, so the
/// output is valid after a cancel at any moment. If a write fails inside a line, as on a full disk,
/// an output file is truncated to the last complete line.
///
/// A file is written beside the file that it replaces, which is unchanged until [`finish`].
///
/// [`finish`]: Self::finish
#[derive(Debug)]
pub(crate) struct Output {
    name: PathBuf,
    own: Own,
    sink: Option<Mutex<Sink>>,
}

/// The output files. They are not hashed: a digest would be wrong after the next line.
#[derive(Debug)]
pub(crate) enum Own {
    Nothing,
    Stdout(Option<Identity>),
    /// Taken when it replaces the target.
    File(Box<Mutex<Option<Replacement>>>),
}

#[derive(Debug)]
enum To {
    /// A second handle of the replacement's file.
    File(File),
    Stdout(Stdout),
    /// A fifo or a device, which is opened on the writing thread: the open of a fifo waits for a
    /// reader.
    Special(PathBuf),
    Opened(File),
}

#[derive(Debug)]
struct Sink {
    to: To,
    pending: Vec<u8>,
    /// The length of the output, if it is a file of this program from its first byte.
    length: Option<u64>,
    /// Set by the first failure and at the end; nothing is written after it.
    closed: bool,
    /// The progress bar is hidden while lines are written to the same terminal.
    beside: Option<Progress>,
}

impl Own {
    /// Returns whether this metadata belongs to one of them.
    pub(crate) fn has(&self, metadata: &Metadata, path: &Path) -> bool {
        match self {
            Self::Nothing | Self::Stdout(None) => false,
            Self::Stdout(Some(identity)) => identity.is(metadata, path),
            Self::File(file) => {
                let file = file.lock();
                file.as_ref().is_some_and(|file| file.is(metadata, path))
            }
        }
    }

    /// Returns whether a hash of this file alone makes no sense: the file would be replaced, or
    /// would contain the lines.
    pub(crate) fn would_spoil(&self, metadata: &Metadata, path: &Path) -> bool {
        match self {
            Self::Nothing | Self::Stdout(_) => self.has(metadata, path),
            Self::File(file) => {
                let file = file.lock();
                file.as_ref()
                    .is_some_and(|file| file.replaces(metadata, path))
            }
        }
    }
}

impl Output {
    /// Returns a sink without lines.
    pub(crate) fn nowhere() -> Self {
        Self {
            name: PathBuf::new(),
            own: Own::Nothing,
            sink: None,
        }
    }

    /// Returns a sink into the file at `path`, or into another kind of target there.
    pub(crate) fn to_file(path: &Path, progress: &Progress) -> io::Result<Self> {
        if is_stdout(path) {
            return Ok(Self {
                name: path.to_owned(),
                ..Self::to_stdout(progress)?
            });
        }
        let (to, length, own) = match Destination::of(path)? {
            Destination::Special(path) => (To::Special(path), None, Own::Nothing),
            Destination::File(place) => {
                let file = Replacement::begin(&place)?;
                let to = To::File(file.file().try_clone()?);
                (to, Some(0), Own::File(Box::new(Mutex::new(Some(file)))))
            }
        };
        Ok(Self::new(path.to_owned(), own, to, length, None))
    }

    /// Returns a sink into standard output. The progress bar is hidden for each write if both are
    /// on a terminal.
    pub(crate) fn to_stdout(progress: &Progress) -> io::Result<Self> {
        let stdout = Stdout::open()?;
        let own = Own::Stdout(stdout.identity()?);
        let on_terminal = io::IsTerminal::is_terminal(&io::stdout());
        let beside = on_terminal.then(|| progress.clone());
        let name = "standard output".into();
        Ok(Self::new(name, own, To::Stdout(stdout), None, beside))
    }

    fn new(name: PathBuf, own: Own, to: To, length: Option<u64>, beside: Option<Progress>) -> Self {
        let sink = Sink {
            to,
            pending: Vec::new(),
            length,
            closed: false,
            beside,
        };
        Self {
            name,
            own,
            sink: Some(Mutex::new(sink)),
        }
    }

    /// Returns the name of the output in messages.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Returns the output files.
    pub(crate) fn own(&self) -> &Own {
        &self.own
    }

    /// Takes the complete lines that `push` appends.
    pub(crate) fn push(&self, push: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let Some(sink) = &self.sink else {
            return Ok(());
        };
        let mut sink = sink.lock();
        push(&mut sink.pending);
        if sink.pending.len() >= PIECE {
            sink.flush()
        } else {
            Ok(())
        }
    }

    /// Writes the buffered lines.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.sink
            .as_ref()
            .map_or(Ok(()), |sink| sink.lock().flush())
    }

    /// Opens a fifo or a device without lines, for a process that waits for it.
    pub(crate) fn open(&self) -> io::Result<()> {
        self.sink
            .as_ref()
            .map_or(Ok(()), |sink| sink.lock().to.open())
    }

    /// Ends the output. Complete output replaces the requested file. The output of a stopped run
    /// replaces nothing, and `Some` is the file that has it. Without lines no file is left.
    pub(crate) fn finish(&self, is_whole: bool) -> io::Result<Option<Left>> {
        let Some(sink) = &self.sink else {
            return Ok(None);
        };
        let mut sink = sink.lock();
        sink.closed = true;
        let Own::File(file) = &self.own else {
            return Ok(None);
        };
        match file.lock().take() {
            Some(file) if is_whole => file.place().map(|()| None),
            Some(file) if sink.length > Some(0) => file.leave().map(Some),
            Some(_) | None => Ok(None),
        }
    }
}

/// Returns whether the path leads to the file of standard output.
#[cfg(unix)]
fn is_stdout(path: &Path) -> bool {
    use rustix::fs::fstat;
    use std::os::unix::fs::MetadataExt;
    let (Ok(metadata), Ok(stdout)) = (path.metadata(), fstat(io::stdout())) else {
        return false;
    };
    (metadata.dev(), metadata.ino()) == (stdout.st_dev, stdout.st_ino)
}

#[cfg(not(unix))]
fn is_stdout(_: &Path) -> bool {
    false
}

impl Sink {
    fn flush(&mut self) -> io::Result<()> {
        if self.closed || self.pending.is_empty() {
            self.pending.clear();
            return Ok(());
        }
        let written = match &self.beside {
            Some(progress) => progress.aside(|| write(&mut self.to, &self.pending)),
            None => write(&mut self.to, &self.pending),
        };
        let (count, result) = written;
        let mut count = count as u64;
        if result.is_err() {
            self.closed = true;
            if let (Some(length), To::File(file)) = (self.length, &self.to) {
                // The failure is reported either way; truncation is a best effort.
                count = whole_lines(&self.pending[..count as usize]);
                let _ = file.set_len(length + count);
            }
        }
        self.length = self.length.map(|length| length + count);
        self.pending.clear();
        result
    }
}

impl To {
    /// Opens a target at the first write. It is not truncated: it may be an open file of another
    /// process with earlier content.
    fn open(&mut self) -> io::Result<()> {
        if let Self::Special(path) = self {
            *self = Self::Opened(OpenOptions::new().append(true).open(path)?);
        }
        Ok(())
    }
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?;
        match self {
            Self::File(file) | Self::Opened(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
            // It was opened just before.
            Self::Special(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `bytes`. Returns the number of written bytes, also after a failure.
fn write(mut to: impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut count = 0;
    while count < bytes.len() {
        match to.write(&bytes[count..]) {
            Ok(0) => return (count, Err(io::ErrorKind::WriteZero.into())),
            Ok(n) => count += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}

/// Returns the number of bytes in complete lines. Names are escaped, so a newline always ends a
/// line.
fn whole_lines(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts `room` bytes, then reports a full disk.
    struct Full {
        room: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room).min(4);
            self.room -= count;
            if count == 0 {
                Err(io::ErrorKind::StorageFull.into())
            } else {
                Ok(count)
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_writes_are_continued_and_a_failure_tells_how_far_it_came() {
        let (count, result) = write(Full { room: 100 }, b"one\ntwo\nthree\n");
        assert_eq!((count, result.is_ok()), (14, true));
        let (count, result) = write(Full { room: 10 }, b"one\ntwo\nthree\n");
        assert_eq!((count, result.is_ok()), (10, false));
    }

    #[test]
    fn a_broken_line_does_not_count() {
        assert_eq!(whole_lines(b"one\ntwo\nth"), 8);
        assert_eq!(whole_lines(b"one"), 0);
        assert_eq!(whole_lines(b""), 0);
    }
}
