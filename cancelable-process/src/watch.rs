//! The thread that waits for a process.
//!
//! The thread is started before the process. So if the system has no thread, there is no process without a waiting
//! thread.

use crate::os::{self, Started};
use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A value that is dropped when the process has ended: see `capture`.
pub(crate) type AtEnd = Box<dyn Send>;

type Work = (Arc<Shared>, Started, AtEnd);

pub(crate) struct Watcher {
    work: SyncSender<Work>,
}

impl Watcher {
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let (work, receiver) = sync_channel(1);
        // A thread's name may have no zero byte. The system cuts long names off.
        let name = format!("wait for {}", name.replace('\0', ""));
        let thread = thread::Builder::new().name(name);
        thread.spawn(move || watch(&receiver))?;
        Ok(Self { work })
    }

    /// Begins to wait. The thread still runs, because it ends only when this sender is dropped.
    pub(crate) fn begin(self, shared: Arc<Shared>, started: Started, at_end: AtEnd) {
        drop(self.work.send((shared, started, at_end)));
    }
}

fn watch(work: &Receiver<Work>) {
    // No work: the process was not started.
    let Ok((shared, started, at_end)) = work.recv() else {
        return;
    };
    let status = os::watch(&shared, started);
    drop(at_end);
    shared.end(status);
}
