//! The description of a process: what to run, and how it is to end.

use crate::capture::Capture;
use crate::error::Kind;
use crate::os::{self, Place};
use crate::shared::Shared;
use crate::watch::{AtEnd, Watcher};
use crate::{Output, Process, ProcessError, StopSignal};
use cancelable_core::{CancellationToken, Cause, Operation, Reason, RuntimeHandle};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A program to run, with how it is asked to end and how long it may take for that.
///
/// It is made of the standard library's command, or from one, and has what is most used of it.
#[derive(Debug)]
#[must_use = "a command does nothing until it is started"]
pub struct Command {
    command: process::Command,
    stop_signal: StopSignal,
    grace: Duration,
    place: Place,
}

impl Command {
    /// A command that runs `program`, found as the standard library finds it, with `SIGTERM` as
    /// the request to end and a period of grace of ten seconds.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        process::Command::new(program).into()
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// The directory it starts in.
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Its standard input.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Its standard output.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// Its standard error.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// The signal by which it is asked to end.
    pub fn stop_signal(mut self, signal: impl Into<StopSignal>) -> Self {
        self.stop_signal = signal.into();
        self
    }

    /// How long its group has from the request to the kill. With none it is killed at once;
    /// one that the clock cannot express, such as [`Duration::MAX`], never ends.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Leaves it in the process group of this program, where it may read from the terminal.
    /// Signals are for it alone then, and what it has started hears nothing.
    pub fn foreground(mut self) -> Self {
        self.place = Place::Foreground;
        self
    }

    /// Makes its group a job of this program's terminal, as a shell does with a command. For a
    /// program that wraps another one, and runs one at a time.
    ///
    /// The group is in the foreground of the terminal while this program's group would be, and the
    /// terminal is taken back when the process has ended or was stopped. A stop of the process
    /// (Ctrl+Z) stops this program, so that the shell takes over; what continues this program
    /// continues the process. After an end by Ctrl+C this program's group is sent `SIGINT` as well,
    /// as it would have been without a group between it and the terminal.
    ///
    /// Without a terminal, and on Windows, it changes nothing.
    pub fn job_control(mut self) -> Self {
        self.place = Place::Job;
        self
    }

    /// Starts the process as a part of `operation`, which asks it to end when it is cancelled, and
    /// does not itself end before the process has: see the [crate](crate).
    ///
    /// The operation keeps a few words on each process until its end. One that starts thousands
    /// gives each a scope of its own.
    ///
    /// # Errors
    ///
    /// The operation is cancelled, has ended, or has no runtime; the system refuses; or the polite
    /// signal cannot be sent here.
    #[track_caller]
    pub fn spawn(self, operation: &Operation) -> Result<Process, ProcessError> {
        Ok(self.spawn_joined(operation, Box::new(()))?.0)
    }

    /// Starts the process for whoever holds `token`, whose cancel asks it to end. The runtime
    /// measures the period of grace.
    ///
    /// # Errors
    ///
    /// The token is cancelled; the system refuses; or the polite signal cannot be sent here.
    pub fn spawn_on(
        self,
        runtime: &RuntimeHandle,
        token: &CancellationToken,
    ) -> Result<Process, ProcessError> {
        Ok(self.start(runtime, token, Box::new(()))?.0)
    }

    /// Runs the process as a part of `operation` and gives what it wrote. Its standard input is
    /// this program's, unless that is set.
    ///
    /// It ends with the process. What is in the pipes then is taken; that another process still
    /// holds them open holds up nobody.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn) and [`Process::wait`]. A process that failed or was asked to
    /// end is no error here: see [`ProcessOutcome::check`](crate::ProcessOutcome::check).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future asks the process to end, as dropping a [`Process`] does.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(op: cancelable_core::Scope) -> Result<(), Box<dyn std::error::Error>> {
    /// use cancelable_process::Command;
    ///
    /// let output = Command::new("git").args(["rev-parse", "HEAD"]).output(&op).await?;
    /// output.outcome().check()?;
    /// println!("at {}", String::from_utf8_lossy(output.stdout()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn output(mut self, operation: &Operation) -> Result<Output, ProcessError> {
        let program = self.command.get_program().to_owned();
        let refused = |refused| ProcessError::refused(&program, refused);
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (capture, at_end) = Capture::new().map_err(refused)?;
        let (mut process, shared) = self.spawn_joined(operation, at_end)?;
        let captured = capture
            .begin(process.stdout.take(), process.stderr.take())
            .map_err(refused)?;
        let outcome = process.wait().await?;
        let (stdout, stderr) = captured.end(&shared.runtime, shared.grace).await;
        Ok(Output::new(outcome, stdout, stderr))
    }

    /// What messages call it.
    fn name(&self) -> Arc<str> {
        let program = Path::new(self.command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        name.to_string_lossy().into()
    }

    /// Starts the process and makes the end of the operation wait for it.
    #[track_caller]
    fn spawn_joined(
        self,
        operation: &Operation,
        at_end: AtEnd,
    ) -> Result<(Process, Arc<Shared>), ProcessError> {
        let name = self.name();
        let error = |kind| ProcessError::new(&name, kind);
        if operation.status().is_terminal() {
            return Err(error(Kind::Closed(operation.label().clone())));
        }
        operation
            .check()
            .map_err(|cancelled| error(Kind::Cancelled(cancelled)))?;
        let Some(runtime) = operation.runtime() else {
            return Err(error(Kind::NoRuntime(operation.label().clone())));
        };
        let (process, shared) = self.start(runtime, operation.token(), at_end)?;
        let over = Cause::new(Reason::ShuttingDown).with_message("its scope has ended");
        let ending = Arc::clone(&shared);
        let cause = over.clone();
        let joined = operation.defer_named(format!("process {name}"), async move {
            ending.terminate(None, &cause);
            ending.ended().await.map(drop)
        });
        match joined {
            Ok(()) => Ok((process, shared)),
            Err(_) => {
                // The operation ended between the look and here.
                shared.kill(&over);
                Err(error(Kind::Killed(operation.label().clone())))
            }
        }
    }

    fn start(
        mut self,
        runtime: &RuntimeHandle,
        token: &CancellationToken,
        at_end: AtEnd,
    ) -> Result<(Process, Arc<Shared>), ProcessError> {
        let name = self.name();
        let error = |kind| ProcessError::new(&name, kind);
        token
            .check()
            .map_err(|cancelled| error(Kind::Cancelled(cancelled)))?;
        if !os::can_send(self.stop_signal) {
            return Err(error(Kind::CannotSend(self.stop_signal.name())));
        }
        let refused =
            |command: &process::Command, error| ProcessError::refused(command.get_program(), error);
        let watcher = Watcher::new(&name).map_err(|error| refused(&self.command, error))?;
        let (started, target, pipes) = os::start(&mut self.command, self.place)
            .map_err(|error| refused(&self.command, error))?;
        let id = started.id();
        let shared = Shared::new(
            Arc::clone(&name),
            runtime.clone(),
            self.grace,
            self.stop_signal,
            target,
        );
        watcher.begin(Arc::clone(&shared), started, at_end);
        // Runs at once if the token has been cancelled meanwhile.
        let asked = Arc::clone(&shared);
        shared.keep(token.on_cancel(move |cause| {
            asked.terminate(None, cause);
        }));
        Ok((Process::new(Arc::clone(&shared), id, pipes), shared))
    }
}

/// The command with what it has; its process group is set by this crate.
impl From<process::Command> for Command {
    fn from(command: process::Command) -> Self {
        Self {
            command,
            stop_signal: StopSignal::TERM,
            grace: Duration::from_secs(10),
            place: Place::Group,
        }
    }
}
