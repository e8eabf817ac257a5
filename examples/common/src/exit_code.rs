//! The exit code that tells a script why a job was stopped.

use cancelable_core::{Cause, Reason};

/// Returns the exit code of a job that was stopped: that of timeout(1) for a time limit, that of
/// shells for a signal.
#[must_use]
pub fn exit_code(cause: &Cause) -> u8 {
    match cause.reason() {
        Reason::TimedOut { .. } | Reason::DeadlineReached => 124,
        Reason::Signal { number, .. } => u8::try_from(128 + number).unwrap_or(1),
        // EX_TEMPFAIL of sysexits.h: the job is not done and can be retried later.
        Reason::Condition => 75,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn scripts_can_tell_what_stopped_the_job() {
        let limit = Duration::from_secs(1);
        for (reason, code) in [
            (Reason::TimedOut { limit }, 124),
            (Reason::DeadlineReached, 124),
            (
                Reason::Signal {
                    number: 2,
                    name: "SIGINT",
                },
                130,
            ),
            (
                Reason::Signal {
                    number: 15,
                    name: "SIGTERM",
                },
                143,
            ),
            (Reason::Condition, 75),
            (Reason::Requested, 1),
        ] {
            assert_eq!(exit_code(&Cause::new(reason.clone())), code, "{reason:?}");
        }
    }
}
