//! One thread that reads both pipes until they end or the process ends.

use super::Captured;
use crate::watch::AtEnd;
use cancelable_core::token::isolate;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionbio, ioctl_fionread};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::thread;

/// The reader of the pipes of a process that is not started.
pub(crate) struct Capture {
    /// A socket that ends with the process, because the other end is dropped then. No process inherits it.
    ended: UnixStream,
}

impl Capture {
    pub(crate) fn new() -> io::Result<(Self, AtEnd)> {
        let (ended, end) = UnixStream::pair()?;
        Ok((Self { ended }, Box::new(end)))
    }

    pub(crate) fn begin(
        self,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> io::Result<Arc<Captured>> {
        let pipes: [Option<OwnedFd>; 2] = [stdout.map(Into::into), stderr.map(Into::into)];
        for pipe in pipes.iter().flatten() {
            ioctl_fionbio(pipe, true)?;
        }
        let pipes = pipes.map(|pipe| pipe.map(File::from));
        let captured = Captured::new(1);
        let keeper = Arc::clone(&captured);
        let reader = move || {
            read(pipes, &self.ended, &keeper);
            keeper.close();
        };
        thread::Builder::new().name("output".into()).spawn(reader)?;
        Ok(captured)
    }
}

/// Reads both pipes.
///
/// Ends: with both pipes; or with the process, after the content that the pipes have then.
fn read(mut pipes: [Option<File>; 2], ended: &UnixStream, captured: &Captured) {
    while pipes.iter().any(Option::is_some) {
        let mut descriptors = vec![PollFd::new(ended, PollFlags::IN)];
        let open = pipes.iter().flatten();
        descriptors.extend(open.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match poll(&mut descriptors, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return cannot_read(&error.into()),
        }
        // Read before the pipes are, so that output from before the end is read.
        let is_over = !descriptors[0].revents().is_empty();
        for (index, slot) in pipes.iter_mut().enumerate() {
            let Some(pipe) = slot else { continue };
            let bound = match is_over {
                // Only the present content: other processes may continue to write.
                true => ioctl_fionread(&*pipe).unwrap_or(0),
                // A bound for each turn, so that the other pipe and the end are read, too.
                false => 65_536,
            };
            if is_at_end(pipe, bound, index, captured) {
                *slot = None;
            }
        }
        if is_over {
            return;
        }
    }
}

/// Reads until the pipe is empty, or the bound is reached. Returns whether the pipe has ended.
fn is_at_end(pipe: &mut File, bound: u64, index: usize, captured: &Captured) -> bool {
    let mut buffer = [0; 8192];
    let mut left = bound;
    while left > 0 {
        let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match pipe.read(&mut buffer[..room]) {
            Ok(0) => return true,
            Ok(count) => {
                captured.add(index, &buffer[..count]);
                left = left.saturating_sub(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => {
                cannot_read(&error);
                return true;
            }
        }
    }
    false
}

fn cannot_read(error: &io::Error) {
    isolate("a logger", || {
        log::warn!(target: "cancelable", "the output of a process cannot be read: {error}");
    });
}
