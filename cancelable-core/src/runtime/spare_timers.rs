//! Timers that nobody waits for, kept for whoever needs one next, where the runtime moves them for
//! less than it makes them.

use super::Timer;
use crate::sync::Mutex;
use std::pin::Pin;
use std::time::Instant;

/// How many are kept: about as many as runs end before as many begin.
const KEPT: usize = 64;

/// The spare timers of one runtime.
#[derive(Default)]
pub(super) struct SpareTimers {
    timers: Mutex<Vec<Pin<Box<dyn Timer>>>>,
}

impl SpareTimers {
    /// A spare timer, moved to `at`. None if there is none, or if another thread looks for one just
    /// now: to make one is quicker than to wait.
    pub(super) fn take(&self, at: Instant) -> Option<Pin<Box<dyn Timer>>> {
        // Moved after the lock: that is code of a runtime.
        let mut timer = self.timers.try_lock()?.pop()?;
        timer.as_mut().reset(at);
        Some(timer)
    }

    /// Keeps a timer, if it is worth that and if there is room.
    pub(super) fn keep(&self, mut timer: Pin<Box<dyn Timer>>) {
        if !timer.as_mut().retire() {
            return;
        }
        let surplus = match self.timers.try_lock() {
            Some(mut timers) if timers.len() < KEPT => {
                timers.push(timer);
                None
            }
            _ => Some(timer),
        };
        // As above.
        drop(surplus);
    }
}
