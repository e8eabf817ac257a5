//! Process 1 on Unix. One thread does all the work in turn, so no signal is sent to a process whose status was taken.

use crate::os::job::{self, Job};
use cancelable_core::cause::escaped;
use cancelable_core::token::isolate;
use cancelable_signals::Disposition;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait};
use signal_hook::consts;
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The forwarded signals: all but those that report a fault of this process, and those that a terminal sends to a process
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
    let name = escaped(&name.to_string_lossy()).to_string();
    unblock();
    // Before the child is started: a signal that comes now waits for the child.
    let forwarded = FORWARDED.iter().filter(|number| !is_ignored(**number));
    let mut signals = Signals::new(forwarded.chain(&[consts::SIGCHLD]))?;
    adopt();
    let child = command.process_group(0).spawn()?;
    let mut program = Program {
        pid: Pid::from_child(&child),
        job: Job::begin(Pid::from_child(&child)),
        name: &name,
    };
    // Ends: with the child, whose end sends a SIGCHLD.
    for signal in signals.forever() {
        match signal {
            consts::SIGCHLD => {
                if let Some(status) = program.reap()? {
                    return Ok(status);
                }
            }
            consts::SIGCONT => program.resume(),
            other => program.forward(other),
        }
    }
    Err(io::ErrorKind::BrokenPipe.into())
}

/// Unblocks the signals that the starter of this program had blocked on this thread: a blocked SIGCHLD would be waited for
/// for ever. The standard library starts the child with no signal blocked.
fn unblock() {
    let unblocked = nix::sys::signal::SigSet::all().thread_unblock();
    if let Err(error) = unblocked {
        isolate("a logger", || {
            log::warn!(target: "cancelable", "cannot unblock the signals of this thread: {error}");
        });
    }
}

/// Returns whether this process was started to ignore the signal, as under `nohup` and in the background jobs of a script.
/// The signal is then not caught, so the program ignores it, too.
fn is_ignored(number: i32) -> bool {
    let signal = cancelable_signals::Signal::try_from(number);
    signal.is_ok_and(|signal| Disposition::of(signal) == Disposition::Ignored)
}

/// Makes this process the parent of orphans below it. Process 1 is that without a call.
fn adopt() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        isolate("a logger", || {
            log::warn!(target: "cancelable", "cannot become the parent of orphans, which will not be reaped: {error}");
        });
    }
}

/// The program of the container, a child of this process.
struct Program<'a> {
    pid: Pid,
    /// The job control; `None` without a terminal.
    job: Option<Job>,
    /// The name of the command, escaped for a log.
    name: &'a str,
}

impl Program<'_> {
    fn forward(&self, number: i32) {
        let Some(signal) = Signal::from_named_raw(number) else {
            return;
        };
        let name = self.name;
        if let Err(error) = kill_process_group(self.pid, signal) {
            isolate("a logger", || {
                log::debug!(target: "cancelable", process = name; "{signal:?} was not sent to {name}: {error}");
            });
        }
    }

    fn resume(&mut self) {
        match &mut self.job {
            Some(job) => {
                job.resume();
                self.note();
            }
            None => self.forward(consts::SIGCONT),
        }
    }

    /// Takes the status of every child that has ended. Returns the status of the program if it has ended.
    ///
    /// Ends: each turn takes one status, and no turn waits.
    fn reap(&mut self) -> io::Result<Option<ExitStatus>> {
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if status.stopped() => {
                    if pid == self.pid {
                        self.stopped(status.stopping_signal());
                    }
                }
                Ok(Some((pid, status))) if pid == self.pid => {
                    self.ended(status.terminating_signal());
                    return Ok(Some(ExitStatus::from_raw(status.as_raw())));
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Ok(None),
                // Other code has taken the status of the child.
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn stopped(&mut self, signal: Option<i32>) {
        let (Some(job), Some(signal)) = (&mut self.job, signal) else {
            return;
        };
        if job.stopped(signal) {
            job::stop_home();
        }
        self.note();
    }

    fn ended(&mut self, signal: Option<i32>) {
        let Some(job) = &mut self.job else {
            return;
        };
        let had_terminal = job.take_back();
        if let (true, Some(signal)) = (had_terminal, signal.and_then(Signal::from_named_raw)) {
            job::key_pressed(signal);
        }
        self.note();
    }

    /// Logs the last error of a system call of the job control.
    fn note(&mut self) {
        if let Some(Err(error)) = self.job.as_mut().map(Job::refused) {
            let name = self.name;
            isolate("a logger", || {
                log::debug!(target: "cancelable", process = name; "a call of the job control for {name} failed: {error}");
            });
        }
    }
}
