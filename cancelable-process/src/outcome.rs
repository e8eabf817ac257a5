//! The outcome of a process: its exit status, and the cause of its cancel.

use cancelable_core::Cause;
use cancelable_core::cause::escaped;
use std::error::Error;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

/// The outcome of a process: its exit status, and the cause of its cancel.
///
/// A process that exits with 0 after a cancel may have done half of its work, so an exit status of 0 alone does not
/// mean success.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::Command;
///
/// let make = rt::scope("make").try_run(async |op| Command::new("true").spawn(&op)?.wait().await);
/// let outcome = rt::block_on(make).complete()?;
/// match (outcome.cause(), outcome.was_killed()) {
///     (None, _) => println!("make exited with {}", outcome.code()),
///     (Some(cause), false) => println!("make stopped: {cause}"),
///     (Some(cause), true) => println!("make was killed: {cause}"),
/// }
/// assert!(outcome.is_success());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a process may have failed or was cancelled"]
pub struct ProcessOutcome {
    name: Arc<str>,
    status: ExitStatus,
    request: Option<Cause>,
    killed: bool,
}

impl ProcessOutcome {
    pub(crate) fn new(
        name: Arc<str>,
        status: ExitStatus,
        request: Option<Cause>,
        killed: bool,
    ) -> Self {
        Self {
            name,
            status,
            request,
            killed,
        }
    }

    /// The exit status of the process.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// The cause for which the process was terminated; `None` if it ended without a cancel.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.request.as_ref()
    }

    /// Returns whether the process was killed, at the end of the grace period or without one.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.killed
    }

    /// The exit code as shells report it: 128 and the signal's number if a signal ended the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let make = rt::scope("make").try_run(async |op| {
    ///     Command::new("sh").args(["-c", "exit 3"]).spawn(&op)?.wait().await
    /// });
    /// let outcome = rt::block_on(make).complete()?;
    /// assert_eq!(outcome.code(), 3);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn code(&self) -> i32 {
        code(self.status)
    }

    /// Returns whether the process exited with 0 and was not cancelled.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.request.is_none() && self.status.success()
    }

    /// Returns [`is_success`](Self::is_success) as a result.
    ///
    /// # Errors
    ///
    /// The process was cancelled, or has failed without a cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_process::Command;
    ///
    /// let make = rt::scope("make").try_run(async |op| {
    ///     Command::new("sh").args(["-c", "exit 3"]).spawn(&op)?.wait().await
    /// });
    /// let outcome = rt::block_on(make).complete()?;
    /// let failed = outcome.check().unwrap_err();
    /// assert_eq!(failed.to_string(), "sh failed (exit status: 3)");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Result<(), ProcessFailed> {
        match self.is_success() {
            true => Ok(()),
            false => Err(ProcessFailed {
                outcome: self.clone(),
            }),
        }
    }
}

/// The exit code as shells report it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    // A process that has ended has a code or a signal.
    status
        .code()
        .or(signal.map(|number| 128 + number))
        .unwrap_or(1)
}

/// The error of a process that was cancelled or failed, from [`ProcessOutcome::check`].
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::Command;
///
/// let make = rt::scope("make").try_run(async |op| {
///     Command::new("sh").args(["-c", "exit 3"]).spawn(&op)?.wait().await
/// });
/// let outcome = rt::block_on(make).complete()?;
/// if let Err(failed) = outcome.check() {
///     assert!(!failed.is_cancelled());
///     assert_eq!(failed.outcome().code(), 3);
/// }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProcessFailed {
    outcome: ProcessOutcome,
}

impl ProcessFailed {
    /// The outcome of the process.
    pub fn outcome(&self) -> &ProcessOutcome {
        &self.outcome
    }

    /// Returns whether the process was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.outcome.request.is_some()
    }
}

impl fmt::Display for ProcessFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProcessOutcome {
            name,
            status,
            request,
            killed,
        } = &self.outcome;
        let name = escaped(name);
        match (request, killed) {
            (None, _) => write!(f, "{name} failed ({status})"),
            (Some(cause), false) => write!(f, "{name} was cancelled ({status}): {cause}"),
            (Some(cause), true) => write!(f, "{name} was killed ({status}): {cause}"),
        }
    }
}

impl Error for ProcessFailed {}
