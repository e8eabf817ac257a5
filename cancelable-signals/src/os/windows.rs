//! Ctrl+C on Windows, by ctrlc, whose thread is the one that reads.
//!
//! signal-hook can do no more there than set a flag, which a thread would have to poll, and the C
//! library beneath it forgets the handler at each signal. ctrlc asks the console itself.

use crate::{Signal, watch};
use std::io;
use std::time::Instant;

pub(crate) struct Os;

impl Os {
    pub(crate) const fn new() -> Self {
        Self
    }

    /// Called once, for the one signal there is.
    pub(crate) fn install(&mut self, signal: Signal, idle: bool) -> io::Result<Gate> {
        ctrlc::try_set_handler(move || watch::serve(signal, now())).map_err(
            |error| match error {
                ctrlc::Error::System(error) => error,
                other => io::Error::other(other),
            },
        )?;
        Ok(Gate::new(idle))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "signals come without a runtime: this is where their time is read"
)]
fn now() -> Instant {
    Instant::now()
}

/// There is no handler to tell: each signal reaches the reader, which decides.
pub(crate) struct Gate;

impl Gate {
    pub(crate) fn new(_idle: bool) -> Self {
        Self
    }

    pub(crate) fn set_idle(&self, _idle: bool) {}
}

/// What the system does on a Ctrl+C that nobody handles: it ends the process with
/// `STATUS_CONTROL_C_EXIT`.
pub(crate) fn take_default(signal: Signal) {
    die_of(signal);
}

/// Ends the process as a Ctrl+C does that nobody handles.
pub(crate) fn die_of(_: Signal) -> ! {
    std::process::exit(0xC000_013A_u32 as i32);
}
