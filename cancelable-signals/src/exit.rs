//! The end of a program that a signal has stopped.
//!
//! A shell asks how a command ended before it goes on: an exit code, also 130, says that the command
//! dealt with the Ctrl+C by itself, and the loop around it goes on; death by the signal says that
//! the user stopped it, and ends the loop. So a program that has cleaned up ends as the signal would
//! have ended it.

use crate::{Signal, os};
use cancelable_core::{Cause, Reason};
use std::io::{self, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The longest wait for standard output to be flushed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ends the process by `signal`, after its work has been cleaned up: the parent learns that the
/// signal ended it, and a shell that runs it in a loop ends the loop.
///
/// To be called last, in `main`. No destructor runs. What is buffered for standard output is
/// written, unless another thread hangs in a write there: that is waited for no longer than a
/// second.
///
/// Where the signal cannot end the process, the process exits with 128 and the signal's number, the
/// status by which shells report that death. So it is for process 1 of a container, to which the
/// kernel delivers no default action, and for a signal whose default action is not the end. On
/// Windows the exit code is that of an unhandled Ctrl+C, `0xC000013A`, which `cmd.exe` treats as a
/// Ctrl+C of its own.
///
/// # Examples
///
/// ```no_run
/// use cancelable_signals::{Signal, ctrl_c, exit_by};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let scope = rt::scope("import").source(ctrl_c()).build()?;
///     let outcome = rt::block_on(scope.run(async |_| { /* the work */ }));
///     if outcome.is_cancelled() {
///         eprintln!("stopped: {}", outcome.cause().expect("a cancelled scope has a cause"));
///         if let Some(signal) = outcome.cause().and_then(Signal::from_cause) {
///             exit_by(signal);
///         }
///     }
///     Ok(())
/// }
/// ```
pub fn exit_by(signal: Signal) -> ! {
    flush();
    os::die_of(signal)
}

/// Flushes standard output, on a thread of its own: the lock may be held by a write that hangs.
fn flush() {
    let (done, flushed) = channel();
    let flush = move || {
        // There is nobody left to tell that it cannot be written.
        let _ = io::stdout().flush();
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(flush).is_ok() {
        let _ = flushed.recv_timeout(PATIENCE);
    }
}

impl Signal {
    /// The signal that `cause` names, if a signal is the reason. For [`exit_by`].
    #[must_use]
    pub fn from_cause(cause: &Cause) -> Option<Self> {
        match cause.reason() {
            Reason::Signal { number, .. } => Self::try_from(*number).ok(),
            _ => None,
        }
    }
}
