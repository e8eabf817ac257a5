//! The exit code, which is timeout(1)'s.

use std::error::Error;

use rt::{ProcessError, ProcessOutcome};

pub(crate) const TIMED_OUT: u8 = 124;
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

impl Ending {
    pub(crate) fn code(&self) -> u8 {
        let code = self.ended.code();
        // The limit may have been reached as the command ended of itself.
        let is_timed_out = self.is_over && self.ended.was_asked().is_some();
        let is_killed = self.ended.status().code().is_none() && code == KILLED;
        match is_timed_out && !is_killed && !self.preserve_status {
            true => TIMED_OUT,
            // The lowest eight bits are what an exit code has.
            false => code.to_le_bytes()[0],
        }
    }
}

/// The exit code for an error, which may have another around it.
pub(crate) fn code_of_error(error: &(dyn Error + 'static)) -> u8 {
    let mut next = Some(error);
    // Ends: an error has a last source.
    while let Some(error) = next {
        if let Some(process) = error.downcast_ref::<ProcessError>() {
            return match (process.is_not_found(), process.io_error()) {
                (true, _) => NOT_FOUND,
                (false, Some(_)) => NOT_INVOKED,
                (false, None) => FAILED,
            };
        }
        next = error.source();
    }
    FAILED
}
