//! The output of a process that has ended, with its outcome.

use crate::ProcessOutcome;

/// The output of a process that has ended, from [`Command::output`](crate::Command::output).
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::{Command, Output};
///
/// let list = rt::scope("list").try_run(async |op| {
///     Command::new("sh").args(["-c", "echo a; echo b >&2"]).output(&op).await
/// });
/// let output: Output = rt::block_on(list).complete()?;
/// assert!(output.outcome().is_success());
/// assert_eq!((output.stdout(), output.stderr()), (&b"a\n"[..], &b"b\n"[..]));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a process may have failed or was cancelled"]
pub struct Output {
    outcome: ProcessOutcome,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    pub(crate) fn new(outcome: ProcessOutcome, stdout: Vec<u8>, stderr: Vec<u8>) -> Self {
        Self {
            outcome,
            stdout,
            stderr,
        }
    }

    /// The outcome of the process.
    pub fn outcome(&self) -> &ProcessOutcome {
        &self.outcome
    }

    /// The bytes of standard output.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// The bytes of standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// Returns the bytes of standard output.
    #[must_use]
    pub fn into_stdout(self) -> Vec<u8> {
        self.stdout
    }
}
