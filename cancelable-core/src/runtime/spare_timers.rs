//! Spare timers, kept for the next run that needs one, where the runtime moves a timer for less than it makes one.

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
    /// Returns a spare timer, moved to `at`. None if there is none, or if another thread looks for one
    /// at this moment: making one is quicker than waiting.
    pub(super) fn take(&self, at: Instant) -> Option<Pin<Box<dyn Timer>>> {
        let mut timer = self.timers.try_lock()?.pop()?;
        // After the lock, because this is code of a runtime.
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
