//! Signals on Unix, by signal-hook.
//!
//! A handler may do next to nothing, and what it does here is put together from signal-hook's
//! safe parts: an action that takes the default when a flag is set, one that writes a byte to the
//! signal's own queue, and one that writes a byte to the reader's. All are socket pairs, whose
//! writes do not block: a queue that is full has hundreds of the same signal unread.

use crate::{Signal, watch};
use cancelable_core::token::isolate;
use signal_hook::{consts, flag, low_level};
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
        let (queue, written) = UnixStream::pair()?;
        queue.set_nonblocking(true)?;
        let idle = Arc::new(AtomicBool::new(idle));
        let number = signal.number();
        // Actions run in this order. Until the second is there the flag stands for the previous
        // disposition, and the reader is woken only when there is something on the queue.
        match is_emulated(signal) {
            true => flag::register_conditional_default(number, Arc::clone(&idle))?,
            false => {
                flag::register_conditional_shutdown(number, status(signal), Arc::clone(&idle))?
            }
        };
        low_level::pipe::register(number, written)?;
        low_level::pipe::register(number, wake)?;
        Ok(Gate { idle, queue })
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

/// The reading thread. Woken by a byte that was written after the signal was put on its queue, so
/// that what it looks for is there; bytes that were not written because the reader's own queue
/// was full do not matter, as those that fill it have yet to be read, and the queues after them.
fn read(mut woken: UnixStream) {
    let mut bytes = [0; 256];
    loop {
        match woken.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(1..) => watch::pending().into_iter().for_each(watch::serve),
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

/// One signal as the handler sees it.
pub(crate) struct Gate {
    /// Whether the handler takes the default action. SeqCst on both sides, as signal-hook loads
    /// it: the argument in `watch` needs no more than that a load sees some value that was in
    /// force, because the reader decides again under the lock.
    idle: Arc<AtomicBool>,
    queue: UnixStream,
}

impl Gate {
    pub(crate) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    /// Empties the queue; the number of signals that were on it. Ends: each round takes
    /// something off, and the queue is bounded.
    pub(crate) fn take(&mut self) -> usize {
        let (mut taken, mut bytes) = (0, [0; 256]);
        loop {
            match self.queue.read(&mut bytes) {
                Ok(count @ 1..) => taken += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return taken,
            }
        }
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
