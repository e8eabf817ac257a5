//! The description of a process: its program, its stop signal and its grace period.

use crate::capture::Capture;
use crate::error::Kind;
use crate::os::{self, GroupKind};
use crate::shared::Shared;
use crate::watch::{AtEnd, Watcher};
use crate::{Output, Process, ProcessError, StopSignal};
use cancelable_core::{CancellationToken, Cause, Operation, Reason, RuntimeHandle};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A program to run, with a stop signal and a grace period.
///
/// A command has the most used methods of the standard library's command, and can be made from one.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::{Command, StopSignal};
/// use std::time::Duration;
///
/// let quit: StopSignal = "QUIT".parse()?;
/// let sort = rt::scope("sort").try_run(async |op| {
///     let sort = Command::new("sort")
///         .args(["-r", "/dev/null"])
///         .stop_signal(quit)
///         .grace(Duration::from_secs(30))
///         .spawn(&op)?;
///     sort.wait().await
/// });
/// rt::block_on(sort).complete()?.check()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a command does nothing until it is started"]
pub struct Command {
    command: process::Command,
    stop_signal: StopSignal,
    grace: Duration,
    group: GroupKind,
}

impl Command {
    /// Returns a command that runs `program`, with `SIGTERM` as its stop signal and a grace period of ten seconds. The
    /// program is found as the standard library finds it.
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

    /// Sets a variable of the process's environment.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let build = rt::scope("build").try_run(async |op| {
    ///     let script = Command::new("sh").args(["-c", "echo $MODE"]).env("MODE", "fast");
    ///     script.output(&op).await
    /// });
    /// assert_eq!(rt::block_on(build).complete()?.stdout(), b"fast\n");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Sets the directory in which the process starts.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let list = rt::scope("list").try_run(async |op| {
    ///     Command::new("pwd").current_dir("/").output(&op).await
    /// });
    /// assert_eq!(rt::block_on(list).complete()?.stdout(), b"/\n");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets the standard input of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    /// use std::process::Stdio;
    ///
    /// let copy = rt::scope("copy").try_run(async |op| {
    ///     Command::new("cat").stdin(Stdio::null()).output(&op).await
    /// });
    /// assert_eq!(rt::block_on(copy).complete()?.stdout(), b"");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Sets the standard output of the process.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// Sets the standard error of the process.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Sets the signal that terminates the process, in place of `SIGTERM`.
    pub fn stop_signal(mut self, signal: impl Into<StopSignal>) -> Self {
        self.stop_signal = signal.into();
        self
    }

    /// Sets the time between the stop signal and the kill of the group. With zero the group is killed at once. A time
    /// that the clock cannot express, such as [`Duration::MAX`], never ends.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    /// use std::time::Duration;
    ///
    /// let stop = CancellationToken::new();
    /// let sleep = Command::new("sleep")
    ///     .arg("60")
    ///     .grace(Duration::ZERO)
    ///     .spawn_on(&rt::current()?, &stop)?;
    /// stop.cancel();
    /// assert!(sleep.wait_blocking()?.was_killed());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Keeps the process in the process group of this program, where it may read from the terminal. Signals are then
    /// sent to the process only, and not to the processes that it has started.
    pub fn foreground(mut self) -> Self {
        self.group = GroupKind::Foreground;
        self
    }

    /// Makes the process's group a job of this program's terminal, as a shell does. For a program that wraps another
    /// program, and runs one process at a time.
    ///
    /// The group is in the foreground of the terminal when this program's group would be. The terminal is taken back
    /// when the process has ended or was stopped. A stop of the process (Ctrl+Z) stops this program, too, so the shell
    /// takes over; a continue of this program continues the process. After an end by Ctrl+C this program's group gets
    /// `SIGINT` as well, as it would without a group of the process.
    ///
    /// Without a terminal, and on Windows, this method changes nothing.
    pub fn job_control(mut self) -> Self {
        self.group = GroupKind::Job;
        self
    }

    /// Starts the process as a part of `operation`. A cancel of the operation terminates the process, and the operation
    /// does not end before the process: see the [crate](crate).
    ///
    /// The operation keeps a small record of each process until its own end. An operation that starts thousands of
    /// processes gives each a scope of its own.
    ///
    /// # Errors
    ///
    /// The operation is cancelled, has ended, or has no runtime; the system refuses; or the stop signal cannot be sent
    /// on this system.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    /// use std::time::Duration;
    ///
    /// let wait = rt::scope("wait")
    ///     .timeout(Duration::from_millis(5))
    ///     .try_run(async |op| Command::new("sleep").arg("60").spawn(&op)?.wait().await);
    /// // The scope ends after the process, which got SIGTERM after 5 ms.
    /// assert!(rt::block_on(wait).is_cancelled());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn(self, operation: &Operation) -> Result<Process, ProcessError> {
        Ok(self.spawn_joined(operation, Box::new(()))?.0)
    }

    /// Starts the process without a scope. A cancel of `token` terminates the process. The runtime measures the grace
    /// period.
    ///
    /// # Errors
    ///
    /// The token is cancelled; the system refuses; or the stop signal cannot be sent on this system.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    ///
    /// let stop = CancellationToken::new();
    /// let server = Command::new("sleep").arg("60").spawn_on(&rt::current()?, &stop)?;
    /// stop.cancel_with("a new version is there");
    /// assert!(server.wait_blocking()?.cause().is_some());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_on(
        self,
        runtime: &RuntimeHandle,
        token: &CancellationToken,
    ) -> Result<Process, ProcessError> {
        Ok(self.start(runtime, token, Box::new(()))?.0)
    }

    /// Runs the process as a part of `operation`, and returns its output. The standard input is that of this program,
    /// unless it is set.
    ///
    /// The future is ready when the process has ended and the content of its pipes was read. Another process that holds
    /// the pipes open delays nothing.
    ///
    /// # Errors
    ///
    /// The errors of [`spawn`](Self::spawn) and [`Process::wait`]. A process that failed or was cancelled is not an
    /// error here: see [`ProcessOutcome::check`](crate::ProcessOutcome::check).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future terminates the process, as dropping a [`Process`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let echo = rt::scope("echo").try_run(async |op| {
    ///     Command::new("echo").arg("ready").output(&op).await
    /// });
    /// let output = rt::block_on(echo).complete()?;
    /// output.outcome().check()?;
    /// assert_eq!(output.stdout(), b"ready\n");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
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

    /// Returns the name of the process in messages.
    fn name(&self) -> Arc<str> {
        let program = Path::new(self.command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        name.to_string_lossy().into()
    }

    /// Starts the process, and makes the end of the operation wait for the process.
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
                // The operation has ended since the check above.
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
        let (started, target, pipes) = os::start(&mut self.command, self.group)
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
        // Runs at once if the token was cancelled meanwhile.
        let started = Arc::clone(&shared);
        shared.keep(token.on_cancel(move |cause| {
            started.terminate(None, cause);
        }));
        Ok((Process::new(Arc::clone(&shared), id, pipes), shared))
    }
}

/// Converts from the standard library's command. The process group is set by this crate.
impl From<process::Command> for Command {
    fn from(command: process::Command) -> Self {
        Self {
            command,
            stop_signal: StopSignal::TERM,
            grace: Duration::from_secs(10),
            group: GroupKind::Own,
        }
    }
}
