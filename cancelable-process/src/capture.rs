//! The captured standard output and error of a process, kept until it has ended.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::Capture;
#[cfg(windows)]
pub(crate) use windows::Capture;

use cancelable_core::{CancellationToken, Cause, Reason, RuntimeHandle};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// The output that was read so far.
pub(crate) struct Captured {
    read: Mutex<Read>,
    /// The token that is cancelled when no reader is left. No other code has this token.
    over: CancellationToken,
}

struct Read {
    /// The bytes of standard output and of standard error.
    bytes: [Vec<u8>; 2],
    /// The number of threads that still read.
    readers: usize,
}

impl Captured {
    fn new(readers: usize) -> Arc<Self> {
        Arc::new(Self {
            read: Mutex::new(Read {
                bytes: Default::default(),
                readers,
            }),
            over: CancellationToken::new(),
        })
    }

    fn add(&self, pipe: usize, bytes: &[u8]) {
        self.read.lock().bytes[pipe].extend_from_slice(bytes);
    }

    /// Counts the end of a reader.
    fn close(&self) {
        let is_last = {
            let mut read = self.read.lock();
            read.readers -= 1;
            read.readers == 0
        };
        if is_last {
            let read = Cause::new(Reason::Source).with_message("the output of a process is read");
            self.over.cancel_with(read);
        }
    }

    /// Waits for the readers to end, and returns the output. On Windows, where a reader cannot be stopped, `limit` bounds
    /// the wait.
    pub(crate) async fn end(&self, runtime: &RuntimeHandle, limit: Duration) -> (Vec<u8>, Vec<u8>) {
        let over = self.over.cancelled();
        match cfg!(windows) {
            // The output so far is returned even at the limit.
            true => drop(runtime.timeout(limit, over).await),
            false => over.await,
        }
        let [stdout, stderr] = std::mem::take(&mut self.read.lock().bytes);
        (stdout, stderr)
    }
}
