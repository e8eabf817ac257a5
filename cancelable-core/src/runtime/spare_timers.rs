//! Spare timers for the next runs. A runtime that moves a timer at less cost than it makes a new one
//! [keeps](super::Timer::retire) its timers here.

use super::Timer;
use crate::sync::Mutex;
use std::pin::Pin;
use std::time::Instant;

/// The maximum number of spare timers: about as many as runs end before as many begin.
const KEPT: usize = 64;

/// The spare timers of one runtime.
#[derive(Default)]
pub(super) struct SpareTimers {
    timers: Mutex<Vec<Pin<Box<dyn Timer>>>>,
}

impl SpareTimers {
    /// Returns a spare timer, moved to `at`. `None` if there is no spare timer, or if another thread holds the
    /// lock: making a timer is quicker than waiting.
    pub(super) fn take(&self, at: Instant) -> Option<Pin<Box<dyn Timer>>> {
        let mut timer = self.timers.try_lock()?.pop()?;
        // With no lock held: `reset` is the adapter's code.
        timer.as_mut().reset(at);
        Some(timer)
    }

    /// Keeps a timer if the runtime moves a timer at less cost than it makes one, and if there is room.
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
        // With no lock held: the drop is the adapter's code.
        drop(surplus);
    }
}
