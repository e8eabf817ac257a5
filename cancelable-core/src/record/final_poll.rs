//! The last poll of a body that a cancel is about to drop.
//!
//! A cancel may come between a body's poll and the moment in which the run notices it. The body is
//! polled once more then, so that what waits in it for the cancel (a stream, the token) sees it, and
//! what it gives counts. A shield has to know, since its end is where the cancel is delivered: it
//! gives its value only to a body that goes on.

use super::Record;
use crate::sync::Ordering;

/// While it lives, the body of the record is at its last poll.
pub(crate) struct LastLook<'a>(&'a Record);

impl Record {
    // Relaxed, here and below: it is set, read and reset in one poll of one task.
    pub(crate) fn last_look(&self) -> LastLook<'_> {
        self.at_last_look.store(true, Ordering::Relaxed);
        LastLook(self)
    }

    pub(crate) fn is_at_last_look(&self) -> bool {
        self.at_last_look.load(Ordering::Relaxed)
    }
}

/// In a drop, so that a panic of the body resets it too.
impl Drop for LastLook<'_> {
    fn drop(&mut self) {
        self.0.at_last_look.store(false, Ordering::Relaxed);
    }
}
