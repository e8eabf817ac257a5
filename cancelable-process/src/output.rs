//! The output of a process that has ended, with its outcome.

use crate::ProcessOutcome;

/// What [`Command::output`](crate::Command::output) gives.
#[derive(Clone, Debug)]
#[must_use = "it says whether the process failed, and whether it was asked to end"]
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

    /// How the process ended.
    pub fn outcome(&self) -> &ProcessOutcome {
        &self.outcome
    }

    /// What it wrote to standard output.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// What it wrote to standard output.
    #[must_use]
    pub fn into_stdout(self) -> Vec<u8> {
        self.stdout
    }
}
