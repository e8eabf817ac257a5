//! Signals on Unix, by signal-hook.
//!
//! A handler may do next to nothing, and what it does here is put together from signal-hook's
//! safe parts: an action that takes the default when a flag is set, one that sets a flag, and one that
//! writes a byte to the reader's socket. That write does not block: a queue that is full has yet to be
//! read, and the flags after it.

use crate::{Signal, watch};
use cancelable_core::token::isolate;
use signal_hook::{consts, flag, low_level};
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What the whole process needs once: the thread that reads.
pub(crate) struct Os {
    /// Wakes the reader. Kept open for ever, so that its read never meets the end.
    wake: Option<UnixStream>,
}

impl Os {
    pub(crate) const fn new() -> Self {
        Self { wake: None }
    }

    /// Catches `signal` from now on; `idle` is the gate's flag to begin with.
    pub(crate) fn install(&mut self, signal: Signal, idle: bool) -> io::Result<Gate> {
        let wake = self.reader()?.try_clone()?;
        let gate = Gate::new(idle);
        let number = signal.number();
        // Actions run in this order. Until the second is there the flag stands for the previous
        // disposition, and the reader is woken only when there is something for it to find.
        let idle = Arc::clone(&gate.idle);
        match is_emulated(signal) {
            true => flag::register_conditional_default(number, idle)?,
            false => flag::register_conditional_shutdown(number, status(signal), idle)?,
        };
        flag::register(number, Arc::clone(&gate.raised))?;
        low_level::pipe::register(number, wake)?;
        Ok(gate)
    }

    /// The writing end of the reader's queue; starts the reader if there is none yet.
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

/// The reading thread. Woken by a byte that was written after the flag of the signal was set, so
/// that what it looks for is there; bytes that were not written because the socket was full do not
/// matter, as those that fill it have yet to be read, and the flags after them. A byte without a flag
/// came from a process that was forked from this one.
///
/// It also wakes by itself when the time of a request is up.
fn read(mut woken: UnixStream) {
    let mut bytes = [0; 256];
    loop {
        match woken.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(1..) => rest(&woken),
            // The time of the read is up.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                rest(&woken);
            }
            // Cannot be while the process lives: the other end is never closed.
            ended => {
                isolate("a logger", || {
                    log::error!(target: "cancelable", outcome:? = ended; "signals can no longer be read");
                });
                return;
            }
        }
    }
}

/// Serves what there is, and has the next read end by itself when there is something to close.
fn rest(woken: &UnixStream) {
    let until = watch::read(now());
    // Zero is not to be had. A clock of the system that is coarser makes it later, which is no harm.
    let until = until.map(|until| until.max(Duration::from_millis(1)));
    // Where it is refused a request stays open until the next signal, which looks at the time itself.
    let _ = woken.set_read_timeout(until);
}

#[allow(
    clippy::disallowed_methods,
    reason = "signals come without a runtime: this is where their time is read"
)]
fn now() -> Instant {
    Instant::now()
}

/// One signal as the handler sees it.
///
/// SeqCst on all sides, as signal-hook has it. `raised` is set before the reader's byte is written and
/// looked at after it was read, so that the flag is seen. Of `idle` the argument in `watch` needs no
/// more than that a load sees some value that was in force, because the reader decides again under
/// the lock.
pub(crate) struct Gate {
    /// Whether the handler takes the default action.
    idle: Arc<AtomicBool>,
    /// The signal has come to this process, and the reader has not seen it.
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

    /// Whether the signal has come since the last call.
    pub(crate) fn take(&self) -> bool {
        self.raised.swap(false, Ordering::SeqCst)
    }
}

/// Does to the process what the system does with a signal that nobody handles. Returns only if
/// that is not the process's end.
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

/// Ends the process by the signal; by the status that stands for it where the signal does not end
/// this process.
pub(crate) fn die_of(signal: Signal) -> ! {
    if ends_a_process(signal) && is_emulated(signal) {
        // Returns only with an error: there is no such signal.
        let _ = low_level::emulate_default_handler(signal.number());
    }
    std::process::exit(status(signal))
}

/// Whether the default action of the signal is the end of the process.
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
    // The last is SIGINFO, where it is there.
    !others.contains(&signal.number()) && signal.name() != "SIGINFO"
}

/// Whether signal-hook can take the signal's own default action. It does not know those for real
/// time and some of Linux's, and believes that SIGIO is ignored, which it is not on Linux. All
/// these end the process by default: it exits with the status that a shell reports for that. So
/// does process 1, which the kernel lets no signal end by default.
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
