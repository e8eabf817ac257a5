//! Where the lines go: whole lines, whatever happens.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use common::{Identity, Stdout};
use parking_lot::Mutex;

use crate::progress::Progress;

/// Lines are handed to the system in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// The sink of all workers.
///
/// Each hands in complete lines under the lock, and only complete lines are written, so that the
/// output is valid after a cancel at any moment. A write that fails half-way through a line, as on a
/// full disk, is cut back to the last complete line if the output is a file.
#[derive(Debug)]
pub(crate) struct Output {
    name: PathBuf,
    identity: Option<Identity>,
    sink: Option<Mutex<Sink>>,
}

#[derive(Debug)]
enum To {
    File(File),
    Stdout(Stdout),
}

#[derive(Debug)]
struct Sink {
    to: To,
    pending: Vec<u8>,
    /// How long the output is, if it is a file of ours from its first byte on.
    length: Option<u64>,
    /// Set by the first failure; nothing is written after it.
    broken: bool,
    /// On a terminal the lines and the progress bar must step aside for each other.
    beside: Option<Progress>,
}

impl Output {
    /// No lines at all.
    pub(crate) fn nowhere() -> Self {
        Self {
            name: PathBuf::new(),
            identity: None,
            sink: None,
        }
    }

    /// The lines go to the file at `path`, which is emptied first.
    pub(crate) fn to_file(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let metadata = file.metadata()?;
        let length = metadata.is_file().then_some(0);
        let identity = Identity::of(&metadata, Some(path));
        Ok(Self::new(
            path.to_owned(),
            To::File(file),
            identity,
            length,
            None,
        ))
    }

    /// The lines go to standard output, beside the progress where both are on a terminal.
    pub(crate) fn to_stdout(progress: &Progress) -> io::Result<Self> {
        let stdout = Stdout::open()?;
        let identity = stdout.identity()?;
        let on_terminal = io::IsTerminal::is_terminal(&io::stdout());
        let beside = on_terminal.then(|| progress.clone());
        Ok(Self::new(
            "standard output".into(),
            To::Stdout(stdout),
            identity,
            None,
            beside,
        ))
    }

    fn new(
        name: PathBuf,
        to: To,
        identity: Option<Identity>,
        length: Option<u64>,
        beside: Option<Progress>,
    ) -> Self {
        let sink = Sink {
            to,
            pending: Vec::new(),
            length,
            broken: false,
            beside,
        };
        Self {
            name,
            identity,
            sink: Some(Mutex::new(sink)),
        }
    }

    /// What the output is called in messages.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Which file it is, if it is one, so that it is not hashed.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
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

    /// Writes the lines that wait for more to come.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.sink
            .as_ref()
            .map_or(Ok(()), |sink| sink.lock().flush())
    }
}

impl Sink {
    fn flush(&mut self) -> io::Result<()> {
        if self.broken || self.pending.is_empty() {
            self.pending.clear();
            return Ok(());
        }
        let written = match &self.beside {
            Some(progress) => progress.aside(|| write(&mut self.to, &self.pending)),
            None => write(&mut self.to, &self.pending),
        };
        let (count, result) = written;
        if result.is_err() {
            self.broken = true;
            if let (Some(length), To::File(file)) = (self.length, &self.to) {
                // The failure is reported either way; cutting back is the best that can be done.
                let _ = file.set_len(length + whole_lines(&self.pending[..count]));
            }
        }
        self.length = self.length.map(|length| length + count as u64);
        self.pending.clear();
        result
    }
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `bytes` and says how many were, also when it failed.
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

/// How many of the bytes are complete lines. Names are escaped, so a newline always ends a line.
fn whole_lines(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, then says that the disk is full.
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
