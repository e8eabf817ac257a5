//! The outcome of a process: how it ended, and whether it was asked to.

use cancelable_core::Cause;
use cancelable_core::cause::escaped;
use std::error::Error;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

/// How a process ended.
///
/// The request is on record beside the exit status: a process that exits with 0 after it was asked
/// may have done half its work, and only its status looks like success.
#[derive(Clone, Debug)]
#[must_use = "it says whether the process failed, and whether it was asked to end"]
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

    /// Why the process was asked to end before it had; `None` if it ended of itself.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.request.as_ref()
    }

    /// Whether it came to the kill: the period of grace was over, or there was none.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.killed
    }

    /// The exit code as shells report it: of a process that a signal ended, 128 and its number.
    #[must_use]
    pub fn code(&self) -> i32 {
        code(self.status)
    }

    /// Whether the process did what it was for: it exited with 0, and nobody had asked it to end.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.request.is_none() && self.status.success()
    }

    /// [`is_success`](Self::is_success) as a result.
    ///
    /// # Errors
    ///
    /// The process was asked to end, or failed of itself.
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
    // Of a process that has ended, one or the other is there.
    status
        .code()
        .or(signal.map(|number| 128 + number))
        .unwrap_or(1)
}

/// A process was asked to end, or failed, from [`ProcessOutcome::check`].
#[derive(Clone, Debug)]
pub struct ProcessFailed {
    outcome: ProcessOutcome,
}

impl ProcessFailed {
    /// How the process ended.
    pub fn outcome(&self) -> &ProcessOutcome {
        &self.outcome
    }

    /// Whether it was asked to end.
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
