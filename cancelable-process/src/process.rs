//! A process that runs, for whoever started it.

use crate::shared::Shared;
use crate::{ProcessError, ProcessOutcome, StopSignal};
use cancelable_core::{Cause, Reason};
use std::fmt;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;

/// The three pipes that a process may have.
pub(crate) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A process that was started, from [`Command::spawn`](crate::Command::spawn).
///
/// Dropping it while the process runs asks the process to end; what follows on that goes on in the
/// background. The pipes are the standard library's, for what was set to
/// [`Stdio::piped`](std::process::Stdio::piped); a runtime has ways to make them its own.
#[must_use = "dropping it asks the process to end; `detach` does not"]
pub struct Process {
    /// The writing end of its standard input. Taken out and dropped it says that no more comes.
    pub stdin: Option<ChildStdin>,
    /// The reading end of its standard output.
    pub stdout: Option<ChildStdout>,
    /// The reading end of its standard error.
    pub stderr: Option<ChildStderr>,
    shared: Arc<Shared>,
    id: u32,
    detached: bool,
}

impl Process {
    pub(crate) fn new(shared: Arc<Shared>, id: u32, (stdin, stdout, stderr): Pipes) -> Self {
        Self {
            stdin,
            stdout,
            stderr,
            shared,
            id,
            detached: false,
        }
    }

    /// The number of the process, and of its group if it has one of its own. For reading: once the
    /// process has ended it may be another's. To send a signal there is [`signal`](Self::signal).
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for the end of the process. If it was asked to end, what is left of its group is
    /// waited for too, after a kill for two seconds at most. Any number may wait, and later again.
    ///
    /// # Errors
    ///
    /// The system does not say how it ended, because something else in this program has taken its
    /// status, or has had `SIGCHLD` ignored since it was started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing for the process.
    pub async fn wait(&self) -> Result<ProcessOutcome, ProcessError> {
        self.shared.ended().await
    }

    /// [`wait`](Self::wait) for a thread.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_blocking(&self) -> Result<ProcessOutcome, ProcessError> {
        self.shared.wait_for_end()
    }

    /// How the process ended, if it has.
    #[must_use]
    pub fn try_wait(&self) -> Option<Result<ProcessOutcome, ProcessError>> {
        self.shared.try_end()
    }

    /// Asks the process to end, as a cancel does. True if it still ran and had not been asked.
    #[track_caller]
    pub fn terminate(&self, cause: impl Into<Cause>) -> bool {
        self.shared.terminate(None, &cause.into())
    }

    /// [`terminate`](Self::terminate) with another signal than the command says.
    #[track_caller]
    pub fn terminate_with(&self, signal: impl Into<StopSignal>, cause: impl Into<Cause>) -> bool {
        self.shared.terminate(Some(signal.into()), &cause.into())
    }

    /// Kills the process and its group now. True if it still ran.
    #[track_caller]
    pub fn kill(&self) -> bool {
        let cause = Cause::new(Reason::Requested).with_message("killed");
        self.shared.kill(&cause)
    }

    /// Sends a signal that is no request to end, such as the one on which a server reads its
    /// configuration again. True if it was sent; on Windows it never is.
    pub fn signal(&self, signal: impl Into<StopSignal>) -> bool {
        self.shared.send(signal.into())
    }

    /// Gives the handle up and lets the process run. Its token, and the end of its scope, still ask
    /// it to end.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

/// Asks: see the type.
impl Drop for Process {
    fn drop(&mut self) {
        if !self.detached {
            let cause = Cause::new(Reason::GuardDropped).with_message("its handle was dropped");
            self.shared.terminate(None, &cause);
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.shared.name)
            .field("id", &self.id)
            .field("end", &self.shared.try_end())
            .finish_non_exhaustive()
    }
}
