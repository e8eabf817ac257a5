//! The first process of a container.

#[cfg(unix)]
mod unix;

use crate::ProcessError;
use std::process::{Command, ExitStatus};

/// What the first process of a container has to do beside the program that the container is for.
///
/// The system treats process 1 unlike others: it ignores signals that it does not catch, `SIGTERM`
/// among them, and it is made the parent of every process whose own has ended. So the program is
/// run as a child: each signal is forwarded to its process group, orphans are reaped, and the end
/// of the program is the end of all.
///
/// It takes the program over: it catches signals, and it takes the status of every child there is.
/// Nothing else in the same program can wait for a process, so call it first, before any thread is
/// there, and exit as it says. If it is not process 1 it asks to be made the parent of
/// orphans below it, which Linux grants.
///
/// The program's group is a job of the terminal, if there is one: it is in the foreground, a stop of
/// it (Ctrl+Z) stops this program for the shell to see, and the terminal is taken back when it has
/// ended or was stopped.
///
/// On Windows there is nothing to do but to wait for the program.
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
    /// Takes the program to run. Its process group is set here.
    pub fn new(command: Command) -> Self {
        Self { command }
    }

    /// Runs the program to its end, and gives its exit status, for [`exit_as`](crate::exit_as).
    ///
    /// Every signal is forwarded that can be caught and does not report a fault of the process
    /// itself. Those that this process was started to ignore stay ignored, in it and in the
    /// program; those for real time are not forwarded.
    ///
    /// # Errors
    ///
    /// The program could not be started, or the system does not let signals be caught.
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
