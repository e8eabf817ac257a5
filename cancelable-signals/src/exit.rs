//! The end of a program that was stopped by a signal.
//!
//! A shell reads how a command ended. After an exit code, even 130, the command has handled the Ctrl+C, and the shell
//! continues its loop. After a death by the signal the user has stopped the command, and the shell ends its loop. So a
//! program ends by the signal after its cleanup.

use crate::{Signal, os};
use cancelable_core::{Cause, Reason};
use std::io::{self, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The longest wait for standard output to be flushed.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Ends the process by `signal`, after the cleanup of the program. The parent sees that the signal ended the process,
/// and a shell that runs the program in a loop ends the loop.
///
/// Call it last, in `main`. No destructor runs. The buffer of standard output is written; the wait for a write of
/// another thread that hangs lasts one second at most.
///
/// If the signal cannot end the process, the process exits with 128 and the signal's number, the status by which shells
/// report that death. This applies to process 1 of a container, to which the kernel delivers no default action, and to a
/// signal whose default action does not end a process. On Windows the exit code is that of an unhandled Ctrl+C,
/// `0xC000013A`, which `cmd.exe` treats as a Ctrl+C of its own.
///
/// # Examples
///
/// ```no_run
/// use cancelable_signals::{Signal, ctrl_c, exit_by};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let scope = rt::scope("import").source(ctrl_c()).build()?;
///     let outcome = rt::block_on(scope.run(async |_| { /* the work */ }));
///     if let (true, Some(cause)) = (outcome.is_cancelled(), outcome.cause()) {
///         eprintln!("stopped: {cause}");
///         if let Some(signal) = Signal::from_cause(cause) {
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

/// Flushes standard output on another thread, because a write that hangs may hold the lock.
fn flush() {
    let (done, flushed) = channel();
    let flush = move || {
        // An error cannot be reported any more.
        let _ = io::stdout().flush();
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(flush).is_ok() {
        let _ = flushed.recv_timeout(FLUSH_LIMIT);
    }
}

impl Signal {
    /// Returns the signal of `cause`, if the reason is a signal. For [`exit_by`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Reason};
    /// use cancelable_signals::Signal;
    ///
    /// let cause = Cause::new(Reason::Signal { number: 2, name: "SIGINT" });
    /// assert_eq!(Signal::from_cause(&cause), Some(Signal::INT));
    /// assert_eq!(Signal::from_cause(&Cause::new(Reason::ShuttingDown)), None);
    /// ```
    #[must_use]
    pub fn from_cause(cause: &Cause) -> Option<Self> {
        match cause.reason() {
            Reason::Signal { number, .. } => Self::try_from(*number).ok(),
            _ => None,
        }
    }
}
