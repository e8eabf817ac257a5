//! The thread that waits for a process.
//!
//! It is there before the process is, so that a system that has no thread to give leaves no process
//! that nobody waits for.

use crate::os::{self, Started};
use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// What is dropped when the process has ended: see `capture`.
pub(crate) type AtEnd = Box<dyn Send>;

type Work = (Arc<Shared>, Started, AtEnd);

pub(crate) struct Watcher {
    work: SyncSender<Work>,
}

impl Watcher {
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let (work, receiver) = sync_channel(1);
        // Without what no thread's name may have. The system cuts long ones off.
        let name = format!("wait for {}", name.replace('\0', ""));
        let thread = thread::Builder::new().name(name);
        thread.spawn(move || watch(&receiver))?;
        Ok(Self { work })
    }

    /// Begins to wait. The thread is there: it can only have ended for want of work.
    pub(crate) fn begin(self, shared: Arc<Shared>, started: Started, at_end: AtEnd) {
        drop(self.work.send((shared, started, at_end)));
    }
}

fn watch(work: &Receiver<Work>) {
    // No work: the process could not be started.
    let Ok((shared, started, at_end)) = work.recv() else {
        return;
    };
    let status = os::watch(&shared, started);
    drop(at_end);
    shared.end(status);
}
