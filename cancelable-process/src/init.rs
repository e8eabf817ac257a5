//! The first process of a container.

#[cfg(unix)]
mod unix;

use crate::ProcessError;
use std::process::{Command, ExitStatus};

/// The first process of a container: it runs the container's program as a child, forwards signals and reaps orphans.
///
/// The kernel ignores a signal that process 1 does not catch, `SIGTERM` included, and makes process 1 the parent of every
/// orphan. So the program runs as a child: each signal is forwarded to its process group, orphans are reaped, and the end
/// of the program is the end of the container.
///
/// `Init` catches signals, and takes the status of every child. Nothing else in this program can wait for a process. So
/// call [`status`](Self::status) first, before any thread is started, and exit with the returned status. A process that
/// is not process 1 requests the orphans below it, which Linux grants.
///
/// If there is a terminal, the program's group is a job of it: the group is in the foreground, a stop of the group
/// (Ctrl+Z) stops this program for the shell, and the terminal is taken back when the program has ended or was stopped.
///
/// On Windows `Init` only waits for the program.
///
/// # Examples
///
/// ```no_run
/// use cancelable_process::{Init, exit_as};
/// use std::process::Command;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut server = Command::new("/srv/server");
///     server.arg("--listen=0.0.0.0:80");
///     exit_as(Init::new(server).status()?)
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing runs before `status`"]
pub struct Init {
    command: Command,
}

impl Init {
    /// Returns an init for the program of `command`. The process group is set by this crate.
    pub fn new(command: Command) -> Self {
        Self { command }
    }

    /// Runs the program to its end, and returns its exit status, for [`exit_as`](crate::exit_as).
    ///
    /// Every signal is forwarded that can be caught and does not report a fault of this process. Signals that this process
    /// was started to ignore stay ignored, in this process and in the program. Real-time signals are not forwarded.
    ///
    /// # Errors
    ///
    /// The program cannot be started, or signals cannot be caught.
    pub fn status(self) -> Result<ExitStatus, ProcessError> {
        let program = self.command.get_program().to_owned();
        let refused = |error| ProcessError::refused(&program, error);
        #[cfg(unix)]
        let status = unix::run(self.command);
        #[cfg(not(unix))]
        let status = {
            let mut command = self.command;
            command.status()
        };
        status.map_err(refused)
    }
}
