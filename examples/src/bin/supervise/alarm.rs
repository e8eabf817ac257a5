//! The end of a stop at the time limit.
//!
//! A command that reads from the terminal in the background is stopped, and so is supervise, for the
//! shell to see. No clock of a program that is stopped ends that: the system's has to.

use std::time::Duration;

use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;

/// How often it is continued from then on: it may be about to stop when the limit is reached.
const AGAIN: Duration = Duration::from_millis(200);

/// Has the system continue this program when the limit is reached, and again until it ends. What is not
/// stopped does not notice. Without such a timer the limit is seen when somebody else continues it.
pub(crate) fn continue_after(limit: Duration) -> Option<Timer> {
    let signal = SigevNotify::SigevSignal {
        signal: Signal::SIGCONT,
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(signal)).ok()?;
    let expiration = Expiration::IntervalDelayed(limit.into(), AGAIN.into());
    timer.set(expiration, TimerSetTimeFlags::empty()).ok()?;
    Some(timer)
}
