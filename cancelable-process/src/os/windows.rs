//! Processes on Windows, which has neither groups nor a stop signal.

use crate::StopSignal;
use crate::process::Pipes;
use crate::shared::Shared;
use shared_child::SharedChild;
use std::io;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

/// The receiver of the kill.
#[derive(Debug)]
pub(crate) struct Target {
    child: Arc<SharedChild>,
}

/// A started process, for the thread that waits for it.
pub(crate) type Started = Arc<SharedChild>;

pub(crate) fn start(
    command: &mut Command,
    _group: super::GroupKind,
) -> io::Result<(Started, Target, Pipes)> {
    let child = Arc::new(SharedChild::spawn(command)?);
    let target = Target {
        child: Arc::clone(&child),
    };
    let pipes = (child.take_stdin(), child.take_stdout(), child.take_stderr());
    Ok((child, target, pipes))
}

/// Returns whether the signal can be sent: always true, because Windows sends no signal.
pub(crate) fn can_send(_: StopSignal) -> bool {
    true
}

impl Target {
    /// Kills the process.
    pub(crate) fn terminate(&self, _: StopSignal) -> io::Result<()> {
        self.kill()
    }

    pub(crate) fn kills(&self, _: StopSignal) -> bool {
        true
    }

    pub(crate) fn send(&self, _: StopSignal) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn kill(&self) -> io::Result<()> {
        self.child.kill()
    }
}

pub(crate) fn watch(_: &Arc<Shared>, child: Started) -> io::Result<ExitStatus> {
    child.wait()
}
