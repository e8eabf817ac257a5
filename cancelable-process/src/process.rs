//! The handle of a process that was started.

use crate::shared::Shared;
use crate::{ProcessError, ProcessOutcome, StopSignal};
use cancelable_core::{Cause, Reason};
use std::fmt;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;

/// The pipes of a process: standard input, output and error.
pub(crate) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// The handle of a process, from [`Command::spawn`](crate::Command::spawn).
///
/// The drop of the handle terminates the process, and the grace period and the kill follow in the background. A stream
/// that was set to [`Stdio::piped`](std::process::Stdio::piped) has a pipe of the standard library here, which a runtime
/// can convert to its own.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::{Command, Process};
///
/// let server = rt::scope("server").try_run(async |op| {
///     let server: Process = Command::new("sleep").arg("60").spawn(&op)?;
///     assert!(server.terminate("maintenance"));
///     server.wait().await
/// });
/// let outcome = rt::block_on(server).complete()?;
/// assert_eq!(outcome.cause().and_then(|cause| cause.message()), Some("maintenance"));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the drop terminates the process; `detach` does not"]
pub struct Process {
    /// The writing end of the standard input. Its drop ends the input of the process.
    pub stdin: Option<ChildStdin>,
    /// The reading end of the standard output.
    pub stdout: Option<ChildStdout>,
    /// The reading end of the standard error.
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

    /// The number of the process, and of its group if it has a group of its own. For messages only: after the end of the
    /// process another process may have the number. [`signal`](Self::signal) sends a signal.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for the end of the process. If the process was terminated, also waits for the rest of its group, after a
    /// kill for no longer than two seconds. Any number of tasks may wait, also after the end.
    ///
    /// # Errors
    ///
    /// The exit status is lost, because another part of this program has taken it, or has ignored `SIGCHLD` since the
    /// process was started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing for the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let list = rt::scope("list").try_run(async |op| Command::new("true").spawn(&op)?.wait().await);
    /// assert!(rt::block_on(list).complete()?.is_success());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait(&self) -> Result<ProcessOutcome, ProcessError> {
        self.shared.ended().await
    }

    /// Waits as [`wait`](Self::wait) does, and blocks the thread.
    ///
    /// # Errors
    ///
    /// The same as of [`wait`](Self::wait).
    pub fn wait_blocking(&self) -> Result<ProcessOutcome, ProcessError> {
        self.shared.wait_for_end()
    }

    /// Returns the outcome of the process if it has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    ///
    /// let token = CancellationToken::new();
    /// let sleep = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &token)?;
    /// assert!(sleep.try_wait().is_none());
    /// sleep.kill();
    /// let outcome = sleep.wait_blocking()?;
    /// assert!(outcome.was_killed() && sleep.try_wait().is_some());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn try_wait(&self) -> Option<Result<ProcessOutcome, ProcessError>> {
        self.shared.try_end()
    }

    /// Sends the stop signal, as a cancel does. Returns false if the process has ended or was terminated before.
    #[track_caller]
    pub fn terminate(&self, cause: impl Into<Cause>) -> bool {
        self.shared.terminate(None, &cause.into())
    }

    /// Terminates the process as [`terminate`](Self::terminate) does, with another signal than the command's stop
    /// signal.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::{Command, StopSignal};
    ///
    /// let token = CancellationToken::new();
    /// let sleep = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &token)?;
    /// let interrupt: StopSignal = "INT".parse()?;
    /// assert!(sleep.terminate_with(interrupt, "Ctrl+C in the editor"));
    /// assert_eq!(sleep.wait_blocking()?.code(), 130);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn terminate_with(&self, signal: impl Into<StopSignal>, cause: impl Into<Cause>) -> bool {
        self.shared.terminate(Some(signal.into()), &cause.into())
    }

    /// Kills the process and its group at once. Returns false if the process has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    ///
    /// let token = CancellationToken::new();
    /// let sleep = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &token)?;
    /// assert!(sleep.kill());
    /// assert!(sleep.wait_blocking()?.was_killed());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn kill(&self) -> bool {
        let cause = Cause::new(Reason::Requested).with_message("killed");
        self.shared.kill(&cause)
    }

    /// Sends a signal that does not terminate the process, such as a `SIGHUP` that reloads a configuration. Returns
    /// whether the signal was sent, which is always false on Windows.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::{Command, StopSignal};
    ///
    /// let token = CancellationToken::new();
    /// let sleep = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &token)?;
    /// let proceed: StopSignal = "CONT".parse()?;
    /// assert!(sleep.signal(proceed));
    /// assert!(sleep.try_wait().is_none());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signal(&self, signal: impl Into<StopSignal>) -> bool {
        self.shared.send(signal.into())
    }

    /// Drops the handle and lets the process run. The process's token, and the end of its scope, still terminate it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    ///
    /// let token = CancellationToken::new();
    /// let sleep = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &token)?;
    /// sleep.detach();
    /// // The process runs until its end or the cancel of its token.
    /// token.cancel();
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detach(mut self) {
        self.detached = true;
    }
}

/// Terminates the process, unless it was detached.
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
