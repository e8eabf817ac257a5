//! Signals on Unix, by signal-hook.
//!
//! A handler may call few functions. The handler here consists of signal-hook's safe actions: the first takes the
//! default action if a flag is set, the second sets a flag, and the third writes a byte to the reader's socket. The
//! write does not block: if the socket is full, the reader has yet to read it, and reads the flags after it.

use crate::{Signal, watch};
use cancelable_core::token::isolate;
use signal_hook::{consts, flag, low_level};
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The state that the process has once: the connection to the thread that reads.
pub(crate) struct Os {
    /// The socket that wakes the reader. It is never closed, so the reader's socket never ends.
    wake: Option<UnixStream>,
}

impl Os {
    pub(crate) const fn new() -> Self {
        Self { wake: None }
    }

    /// Catches `signal` from now on. `idle` is the first value of the gate's flag.
    pub(crate) fn install(&mut self, signal: Signal, idle: bool) -> io::Result<Gate> {
        let wake = self.reader()?.try_clone()?;
        let gate = Gate::new(idle);
        let number = signal.number();
        // Actions run in this order. Until the second is registered, `idle` alone applies the previous disposition, and
        // the reader is woken only after a flag is set.
        let idle = Arc::clone(&gate.idle);
        match is_emulated(signal) {
            true => flag::register_conditional_default(number, idle)?,
            false => flag::register_conditional_shutdown(number, status(signal), idle)?,
        };
        flag::register(number, Arc::clone(&gate.raised))?;
        low_level::pipe::register(number, wake)?;
        Ok(gate)
    }

    /// Returns the writing end of the reader's socket. Starts the reader if there is none.
    fn reader(&mut self) -> io::Result<&UnixStream> {
        if self.wake.is_none() {
            let (woken, wake) = UnixStream::pair()?;
            thread::Builder::new()
                .name("signals".into())
                .spawn(move || read(woken))?;
            self.wake = Some(wake);
        }
        self.wake.as_ref().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// Runs the reading thread.
///
/// Wakes: by a byte that is written after the flag of the signal was set, so the reader finds the flag. A byte that was
/// not written because the socket was full does not matter: the bytes in the socket have yet to be read, and the flags
/// after them. A byte without a flag came from a forked process. A timeout of the read wakes the thread when the time of
/// a request has passed.
fn read(mut woken: UnixStream) {
    let mut bytes = [0; 256];
    loop {
        match woken.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(1..) => serve_raised(&woken),
            // The timeout of the read.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                serve_raised(&woken);
            }
            // Not possible while the process lives: the other end is never closed.
            ended => {
                isolate("a logger", || {
                    log::error!(target: "cancelable", outcome:? = ended; "signals can no longer be read");
                });
                return;
            }
        }
    }
}

/// Serves the raised signals, and sets the timeout of the next read to the time at which a request is to be closed.
fn serve_raised(woken: &UnixStream) {
    let until = watch::read(now());
    // Zero is no valid timeout. A coarse clock of the system makes the read end later, which is harmless.
    let until = until.map(|until| until.max(Duration::from_millis(1)));
    // If the system refuses, a request stays open until the next signal, which compares the time itself.
    let _ = woken.set_read_timeout(until);
}

#[allow(
    clippy::disallowed_methods,
    reason = "signals come without a runtime, so their time is read here"
)]
fn now() -> Instant {
    Instant::now()
}

/// The flags that the handler of one signal reads and sets.
///
/// SeqCst on all sides, as in signal-hook. `raised` is set before the reader's byte is written and read after the byte
/// was read, so the reader sees the flag. For `idle` the argument in `watch` needs only that a load returns some value
/// that was in force, because the reader decides again under the lock.
pub(crate) struct Gate {
    /// True if the handler takes the default action.
    idle: Arc<AtomicBool>,
    /// True if the signal has come to this process, and the reader has not seen it.
    raised: Arc<AtomicBool>,
}

impl Gate {
    pub(crate) fn new(idle: bool) -> Self {
        Self {
            idle: Arc::new(AtomicBool::new(idle)),
            raised: Arc::default(),
        }
    }

    pub(crate) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::SeqCst)
    }

    /// Returns whether the signal has come since the last call.
    pub(crate) fn take(&self) -> bool {
        self.raised.swap(false, Ordering::SeqCst)
    }
}

/// Takes the action of the system for a signal without a handler. Returns only if that does not end the process.
pub(crate) fn take_default(signal: Signal) {
    if !is_emulated(signal) {
        low_level::exit(status(signal));
    }
    if let Err(error) = low_level::emulate_default_handler(signal.number()) {
        isolate("a logger", || {
            log::error!(target: "cancelable", signal = signal.name(); "the default action of {signal} failed: {error}");
        });
    }
}

/// Ends the process by the signal, or by the status that reports that death if the signal cannot end this process.
pub(crate) fn die_of(signal: Signal) -> ! {
    if ends_a_process(signal) && is_emulated(signal) {
        // Returns only with an error: there is no such signal.
        let _ = low_level::emulate_default_handler(signal.number());
    }
    std::process::exit(status(signal))
}

/// Returns whether the default action of the signal ends the process.
fn ends_a_process(signal: Signal) -> bool {
    let others = [
        consts::SIGCHLD,
        consts::SIGCONT,
        consts::SIGTSTP,
        consts::SIGTTIN,
        consts::SIGTTOU,
        consts::SIGURG,
        consts::SIGWINCH,
    ];
    // SIGINFO is compared by name, because not every system has it.
    !others.contains(&signal.number()) && signal.name() != "SIGINFO"
}

/// Returns whether signal-hook can take the signal's default action.
///
/// signal-hook does not know the real-time signals and some signals of Linux, and takes SIGIO for ignored, which is wrong
/// on Linux. All of these end the process by default, so here the process exits with the status that a shell reports for
/// that death. So does process 1, which no signal ends by default.
fn is_emulated(signal: Signal) -> bool {
    let is_linux = cfg!(any(target_os = "linux", target_os = "android"));
    let is_deliverable = std::process::id() != 1 || !ends_a_process(signal);
    low_level::signal_name(signal.number()).is_some()
        && is_deliverable
        && !(is_linux && signal.number() == consts::SIGIO)
}

fn status(signal: Signal) -> i32 {
    128 + signal.number()
}
