//! The exit code, which is timeout(1)'s.

use std::error::Error;
use std::process::ExitStatus;

use rt::{ProcessError, ProcessOutcome};

const TIMED_OUT: u8 = 124;
pub(crate) const FAILED: u8 = 125;
const NOT_INVOKED: u8 = 126;
const NOT_FOUND: u8 = 127;
/// The exit code of shells for a process that SIGKILL ended.
const KILLED: i32 = 137;

/// The end of the command.
pub(crate) struct Ending {
    pub(crate) ended: ProcessOutcome,
    /// The time limit was reached.
    pub(crate) is_over: bool,
    pub(crate) preserve_status: bool,
}

/// The end of supervise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Code(u8),
    /// The same as the command: by the same signal, if a signal ended it.
    As(ExitStatus),
}

impl Ending {
    pub(crate) fn end(&self) -> End {
        let code = self.ended.code();
        // The limit may have been reached at the same time as the command ended.
        let is_timed_out = self.is_over && self.ended.cause().is_some();
        let is_killed = self.ended.status().code().is_none() && code == KILLED;
        match (is_timed_out, is_killed || self.preserve_status) {
            (true, false) => End::Code(TIMED_OUT),
            // For a signal that was sent to supervise. An exit code has eight bits.
            (true, true) => End::Code(code.to_le_bytes()[0]),
            (false, _) => End::As(self.ended.status()),
        }
    }
}

/// Returns the exit code for an error or for one of its sources.
pub(crate) fn code_of_error(error: &(dyn Error + 'static)) -> u8 {
    let mut next = Some(error);
    // Ends: a chain of sources is finite.
    while let Some(error) = next {
        if let Some(process) = error.downcast_ref::<ProcessError>() {
            let is_already_run = process.is_not_started() && process.io_error().is_some();
            return match (process.is_not_found(), is_already_run) {
                (true, _) => NOT_FOUND,
                (false, true) => NOT_INVOKED,
                // The command was started and its end is unknown; or it was not to be started.
                (false, false) => FAILED,
            };
        }
        next = error.source();
    }
    FAILED
}
