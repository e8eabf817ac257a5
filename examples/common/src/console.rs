//! Standard output for a program's result, and standard error for its messages.
//!
//! A result that cannot be written is an error. A message that cannot be written is dropped, and
//! never stops the work. `println!` and `eprintln!` panic instead, so the lints `print_stdout` and
//! `print_stderr` ban them.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use crate::Identity;

/// The number of bytes that a writable pipe accepts without blocking (`PIPE_BUF`).
const PIECE: usize = 4096;
/// The time that a message waits for a full standard error.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a line for people to standard error.
///
/// The line is dropped if standard error is closed, fails, or stays full for a second.
pub fn message(line: impl Display) {
    text(&format!("{line}\n"));
}

/// Writes whole lines for people to standard error, as [`message`] does.
pub fn text(text: &str) {
    // True if standard error was full at the last message. The next message does not wait again.
    static IS_STALLED: AtomicBool = AtomicBool::new(false);

    let mut to = io::stderr().lock();
    for piece in text.as_bytes().chunks(PIECE) {
        // Relaxed: only the time of the wait depends on it.
        let patience = match IS_STALLED.load(Relaxed) {
            true => Duration::ZERO,
            false => PATIENCE,
        };
        let is_ready = system::is_writable_within(&to, Some(patience));
        IS_STALLED.store(!is_ready, Relaxed);
        if !is_ready || to.write_all(piece).is_err() {
            return;
        }
    }
}

/// Standard output without the buffer of the standard library, which splits lines at its own
/// boundaries. A write waits if the descriptor is non-blocking and full.
///
/// If standard output was closed at the start, the program writes to `/dev/null`, which the
/// standard library opens in its place before `main`.
#[derive(Debug)]
pub struct Stdout(system::Stdout);

impl Stdout {
    /// Opens standard output.
    ///
    /// # Errors
    ///
    /// The system returns no handle.
    pub fn open() -> io::Result<Self> {
        system::stdout().map(Self)
    }

    /// Returns the identity of the file, if it is a file.
    ///
    /// # Errors
    ///
    /// The system call failed.
    pub fn identity(&self) -> io::Result<Option<Identity>> {
        system::identity(&self.0)
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Ends: each round waits until standard output accepts bytes, has failed or has no reader.
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    system::is_writable_within(&self.0, None);
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a line of the program's result to standard output.
///
/// # Errors
///
/// The line cannot be written.
pub fn result(line: impl Display) -> io::Result<()> {
    let line = format!("{line}\n");
    let written = Stdout::open().and_then(|mut to| to.write_all(line.as_bytes()));
    written.map_err(|error| unwritten(&error))
}

/// Writes a line about finished work to standard output. The work continues if the line cannot be
/// written; [`announced`] returns the error at the end.
pub fn announce(line: impl Display) {
    if let Err(error) = result(line) {
        *UNANNOUNCED.lock() = Some(error);
    }
}

/// Returns whether all announced lines have been written.
///
/// # Errors
///
/// The last error of a write.
pub fn announced() -> io::Result<()> {
    match UNANNOUNCED.lock().take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

static UNANNOUNCED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Returns the error of standard output, with its name.
pub fn unwritten(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output: {error}"))
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use crate::Identity;

    pub(super) type Stdout = File;

    pub(super) fn stdout() -> io::Result<Stdout> {
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    pub(super) fn identity(to: &Stdout) -> io::Result<Option<Identity>> {
        Ok(Identity::of(&to.metadata()?, None))
    }

    /// Waits until a write does not block; false if it still would after `limit`. A descriptor that
    /// has failed does not block.
    pub(super) fn is_writable_within(to: &impl AsFd, limit: Option<Duration>) -> bool {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut descriptors = [PollFd::new(to, PollFlags::OUT)];
        match poll(&mut descriptors, limit.as_ref()) {
            Ok(ready) => ready > 0,
            // The caller tries, and waits again if this was too early.
            Err(_) => true,
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;
    use std::time::Duration;

    use crate::Identity;

    pub(super) type Stdout = io::Stdout;

    /// The handle of the standard library, which translates for a console.
    pub(super) fn stdout() -> io::Result<Stdout> {
        Ok(io::stdout())
    }

    /// It has no identity here.
    pub(super) fn identity(_: &Stdout) -> io::Result<Option<Identity>> {
        Ok(None)
    }

    pub(super) fn is_writable_within<T>(_: &T, _: Option<Duration>) -> bool {
        true
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::pipe::pipe;
    use std::fs::File;
    use std::io::Read;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_non_blocking_output_is_waited_for() {
        let (reader, writer) = pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let mut to = Stdout(File::from(writer));
        let bytes = vec![7; 1 << 20];
        let is_full = Barrier::new(2);
        thread::scope(|threads| {
            let reading = threads.spawn(|| {
                is_full.wait();
                let mut read = Vec::new();
                File::from(reader).read_to_end(&mut read).unwrap();
                read
            });
            // The reader starts when the pipe is full.
            let mut written = 0;
            while system::is_writable_within(&to.0, Some(Duration::ZERO)) {
                written += to.write(&bytes[written..]).unwrap();
            }
            is_full.wait();
            to.write_all(&bytes[written..]).unwrap();
            drop(to);
            assert!(reading.join().unwrap() == bytes);
        });
    }

    #[test]
    fn an_output_without_a_reader_is_an_error_and_not_waited_for() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let error = Stdout(File::from(writer)).write(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
