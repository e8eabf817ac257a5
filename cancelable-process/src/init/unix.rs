//! Process 1 on Unix. One thread does everything in turn, so no signal is sent to a process whose
//! status has been taken.

use cancelable_core::cause::escaped;
use cancelable_core::token::isolate;
use cancelable_signals::Disposition;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait};
use rustix::termios::tcsetpgrp;
use signal_hook::consts;
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// What is forwarded: not what reports a fault of this process, nor what a terminal sends to one
/// in the background.
const FORWARDED: &[i32] = &[
    consts::SIGHUP,
    consts::SIGINT,
    consts::SIGQUIT,
    consts::SIGTERM,
    consts::SIGUSR1,
    consts::SIGUSR2,
    consts::SIGALRM,
    consts::SIGVTALRM,
    consts::SIGPROF,
    consts::SIGCONT,
    consts::SIGTSTP,
    consts::SIGWINCH,
    consts::SIGURG,
    consts::SIGXCPU,
    consts::SIGXFSZ,
    #[cfg(not(target_os = "haiku"))]
    consts::SIGIO,
];

pub(super) fn run(mut command: Command) -> io::Result<ExitStatus> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or(&program);
    let name = name.to_string_lossy();
    // Before there is a child: a signal that comes now waits until there is one.
    let forwarded = FORWARDED.iter().filter(|number| !is_ignored(**number));
    let mut signals = Signals::new(forwarded.chain(&[consts::SIGCHLD]))?;
    adopt();
    let child = command.process_group(0).spawn()?;
    let pid = Pid::from_child(&child);
    give_terminal(pid);
    // Ends with the child, of whose end a SIGCHLD tells.
    for signal in signals.forever() {
        if signal != consts::SIGCHLD {
            forward(signal, pid, &name);
        } else if let Some(status) = reap(pid)? {
            return Ok(status);
        }
    }
    Err(io::ErrorKind::BrokenPipe.into())
}

/// Whether this process was started to ignore the signal, as `nohup` and the background jobs of a
/// script are. It is not caught then, so the program is started to ignore it, too.
fn is_ignored(number: i32) -> bool {
    let signal = cancelable_signals::Signal::try_from(number);
    signal.is_ok_and(|signal| Disposition::of(signal) == Disposition::Ignored)
}

/// Makes this process the parent of orphans below it, as process 1 is without asking.
fn adopt() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        isolate("a logger", || {
            log::warn!(target: "cancelable", "orphans will not be reaped: {error}");
        });
    }
}

/// Puts the child in the foreground of the terminal, if this process has it.
fn give_terminal(child: Pid) {
    let terminal = io::stdin();
    if !is_in_foreground(&terminal) {
        return;
    }
    let given = tcsetpgrp(&terminal, child);
    // It may have read before it was in the foreground, which has stopped it.
    let continued = given.and_then(|()| kill_process_group(child, Signal::CONT));
    if let Err(error) = continued {
        isolate("a logger", || {
            log::warn!(target: "cancelable", "the terminal was not handed over: {error}");
        });
    }
}

/// Whether this process may hand the terminal over: one in the background would be stopped.
#[cfg(target_os = "linux")]
fn is_in_foreground(terminal: &io::Stdin) -> bool {
    use std::io::IsTerminal;
    // "number (name) state parent group session terminal foreground-group ...". Read and not asked
    // for: process 1 may be in a group of outside its namespace, whose number is then 0, and rustix
    // has no number 0.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
    let mut fields = fields
        .into_iter()
        .flat_map(|fields| fields.split(' ').skip(2));
    let group = fields.next();
    terminal.is_terminal() && group.is_some() && group == fields.nth(2)
}

/// Whether this process may hand the terminal over: one in the background would be stopped.
#[cfg(not(target_os = "linux"))]
fn is_in_foreground(terminal: &io::Stdin) -> bool {
    rustix::termios::tcgetpgrp(terminal) == Ok(rustix::process::getpgrp())
}

fn forward(number: i32, child: Pid, name: &str) {
    let Some(signal) = Signal::from_named_raw(number) else {
        return;
    };
    if let Err(error) = kill_process_group(child, signal) {
        isolate("a logger", || {
            let name = escaped(name).to_string();
            log::debug!(target: "cancelable", process = &*name; "{name} was not sent {signal:?}: {error}");
        });
    }
}

/// Takes the status of every child that has ended; that of `child` if it is among them. Ends:
/// each turn takes one, and nothing waits.
fn reap(child: Pid) -> io::Result<Option<ExitStatus>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == child => {
                return Ok(Some(ExitStatus::from_raw(status.as_raw())));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(None),
            // The child was taken by somebody else.
            Err(error) => return Err(error.into()),
        }
    }
}
