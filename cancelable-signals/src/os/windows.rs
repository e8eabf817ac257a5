//! Ctrl+C on Windows, by ctrlc, whose thread is the reader.
//!
//! On Windows signal-hook can only set a flag, which a thread has to poll, and the C library below it removes the handler
//! at each signal. ctrlc uses the console's own interface.

use crate::{Signal, watch};
use std::io;
use std::time::Instant;

pub(crate) struct Os;

impl Os {
    pub(crate) const fn new() -> Self {
        Self
    }

    /// Installs the handler. Called once, because there is only one signal.
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
    reason = "signals come without a runtime, so their time is read here"
)]
fn now() -> Instant {
    Instant::now()
}

/// The gate of a signal. Empty, because each signal reaches the reader, which decides.
pub(crate) struct Gate;

impl Gate {
    pub(crate) fn new(_idle: bool) -> Self {
        Self
    }

    pub(crate) fn set_idle(&self, _idle: bool) {}
}

/// Takes the action of the system for a Ctrl+C without a handler: the process ends with `STATUS_CONTROL_C_EXIT`.
pub(crate) fn take_default(signal: Signal) {
    die_of(signal);
}

/// Ends the process like a Ctrl+C without a handler.
pub(crate) fn die_of(_: Signal) -> ! {
    std::process::exit(0xC000_013A_u32 as i32);
}
