//! The end of a stopped process at the time limit.
//!
//! The system stops a command that reads from the terminal in the background, and supervise with
//! it, so that the shell notices. No timer of a stopped program fires. So the limit needs a timer
//! of the system.

use std::time::Duration;

use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;

/// The interval at which the program is continued after the limit. It may be just about to stop at
/// the limit.
const AGAIN: Duration = Duration::from_millis(200);

/// Has the system continue this program at the limit, and repeatedly until the program ends. A
/// running program does not notice. Without such a timer the limit is noticed when another process
/// continues this one.
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
