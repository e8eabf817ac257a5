//! The last poll of a body that a cancel is about to drop.
//!
//! A cancel may come between a body's poll and the moment in which the run notices it. The body is
//! polled once more then, so that what waits in it for the cancel (a stream, the token) sees it, and
//! what it returns counts. A shield has to know, since its end is where the cancel is delivered: it
//! returns its value only to a body that goes on.

use super::Record;

/// While it lives, the body of the record is at its last poll.
pub(crate) struct FinalPoll<'a>(&'a Record);

impl<'a> FinalPoll<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        record.shields.set_at_final_poll(true);
        Self(record)
    }
}

/// In a drop, so that a panic of the body resets it too.
impl Drop for FinalPoll<'_> {
    fn drop(&mut self) {
        self.0.shields.set_at_final_poll(false);
    }
}
