//! Spare timers, kept for the next run that needs one, where the runtime moves a timer for less than it makes one.

use super::Timer;
use crate::sync::Mutex;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// How many are kept: about as many as runs end before as many begin.
const KEPT: usize = 64;

/// How much too early a timer may stand that is asked for with patience.
const EARLY: Duration = Duration::from_millis(10);

/// The spare timers of one runtime.
#[derive(Default)]
pub(super) struct SpareTimers {
    timers: Mutex<Vec<Pin<Box<dyn Timer>>>>,
}

impl SpareTimers {
    /// A spare timer that stands at `at`. None if there is none, or if another thread looks for one
    /// just now: to make one is quicker than to wait.
    ///
    /// With `patience` it may stand a little earlier, which spares the move of one that was used a
    /// moment ago for a limit of the same length.
    pub(super) fn take(&self, at: Instant, patience: bool) -> Option<Pin<Box<dyn Timer>>> {
        let mut timer = self.timers.try_lock()?.pop()?;
        // After the lock: that is code of a runtime.
        let early = timer
            .stands_at()
            .and_then(|it| at.checked_duration_since(it));
        if !(patience && early.is_some_and(|early| early <= EARLY)) {
            timer.as_mut().reset(at);
        }
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
