//! The exit code, which is timeout(1)'s.

use std::error::Error;
use std::process::ExitStatus;

use rt::{ProcessError, ProcessOutcome};

const TIMED_OUT: u8 = 124;
pub(crate) const FAILED: u8 = 125;
const NOT_INVOKED: u8 = 126;
const NOT_FOUND: u8 = 127;
/// Of a process that SIGKILL ended, as shells say it.
const KILLED: i32 = 137;

/// How the command ended.
pub(crate) struct Ending {
    pub(crate) ended: ProcessOutcome,
    /// Whether the time limit was reached.
    pub(crate) is_over: bool,
    pub(crate) preserve_status: bool,
}

/// How supervise ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Code(u8),
    /// As the command did: by the same signal, if one has ended it.
    As(ExitStatus),
}

impl Ending {
    pub(crate) fn end(&self) -> End {
        let code = self.ended.code();
        // The limit may have been reached as the command ended of itself.
        let is_timed_out = self.is_over && self.ended.cause().is_some();
        let is_killed = self.ended.status().code().is_none() && code == KILLED;
        match (is_timed_out, is_killed || self.preserve_status) {
            (true, false) => End::Code(TIMED_OUT),
            // Of a signal that was sent here. The lowest eight bits are what an exit code has.
            (true, true) => End::Code(code.to_le_bytes()[0]),
            (false, _) => End::As(self.ended.status()),
        }
    }
}

/// The exit code for an error, which may have another around it.
pub(crate) fn code_of_error(error: &(dyn Error + 'static)) -> u8 {
    let mut next = Some(error);
    // Ends: an error has a last source.
    while let Some(error) = next {
        if let Some(process) = error.downcast_ref::<ProcessError>() {
            let is_already_run = process.is_not_started() && process.io_error().is_some();
            return match (process.is_not_found(), is_already_run) {
                (true, _) => NOT_FOUND,
                (false, true) => NOT_INVOKED,
                // It was started, and how it ended is not known; or it was not to be started.
                (false, false) => FAILED,
            };
        }
        next = error.source();
    }
    FAILED
}
