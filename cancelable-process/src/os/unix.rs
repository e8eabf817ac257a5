//! Processes on Unix: signals go to process groups, and a process that has ended keeps its number
//! until its status is taken.

use crate::PoliteSignal;
use crate::process::Pipes;
use crate::shared::Shared;
use cancelable_core::cause::escaped;
use cancelable_core::token::isolate;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

/// Where signals go. Whoever has it knows that the number is still the process's own: see `shared`.
#[derive(Debug)]
pub(crate) struct Target {
    pid: Pid,
    own_group: bool,
}

/// A process that runs, for the thread that waits for it.
pub(crate) type Started = Child;

/// Starts the process, in a group of its own unless it is to stay in the foreground.
pub(crate) fn start(
    command: &mut Command,
    foreground: bool,
) -> io::Result<(Started, Target, Pipes)> {
    if !foreground {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let target = Target {
        pid: Pid::from_child(&child),
        own_group: !foreground,
    };
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    Ok((child, target, pipes))
}

/// Whether the signal has a name here: those for real time cannot be sent.
pub(crate) fn can_send(signal: PoliteSignal) -> bool {
    Signal::from_named_raw(signal.number()).is_some()
}

impl Target {
    /// Its group, if it has one of its own.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.own_group.then_some(self.pid)
    }

    /// Sends the request.
    pub(crate) fn ask(&self, signal: PoliteSignal) -> io::Result<()> {
        self.send(signal)?;
        // What is stopped would not hear of it before it is continued by somebody.
        match self.kills(signal) || signal.number() == Signal::CONT.as_raw() {
            true => Ok(()),
            false => self.signal(Signal::CONT),
        }
    }

    /// Whether asking with this signal is a kill.
    pub(crate) fn kills(&self, signal: PoliteSignal) -> bool {
        signal.number() == Signal::KILL.as_raw()
    }

    pub(crate) fn send(&self, signal: PoliteSignal) -> io::Result<()> {
        match Signal::from_named_raw(signal.number()) {
            Some(signal) => self.signal(signal),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(crate) fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = match self.own_group {
            true => kill_process_group(self.pid, signal),
            false => kill_process(self.pid, signal),
        };
        Ok(sent?)
    }
}

/// Waits for the end of the process and, if it was asked, of what is left of its group; then takes
/// its status.
pub(crate) fn watch(shared: &Shared, mut child: Child) -> io::Result<ExitStatus> {
    match until_dead(Pid::from_child(&child)) {
        Ok(()) => until_the_rest_has_ended(shared),
        Err(error) => {
            isolate("a logger", || {
                let name = escaped(&shared.name).to_string();
                log::warn!(target: "cancelable", process = &*name; "{name} cannot be waited for: {error}");
            });
        }
    }
    shared.close();
    child.wait()
}

/// Ends when the process has, and leaves it a zombie.
fn until_dead(pid: Pid) -> rustix::io::Result<()> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Ends: with those that it waits for, who have all ended or are killed at the end of the grace.
#[cfg(target_os = "linux")]
fn until_the_rest_has_ended(shared: &Shared) {
    while let Some(group) = shared.group_in_grace() {
        match super::members::of(group) {
            Some(members) if !members.is_empty() => members.until_one_has_ended(),
            _ => return,
        }
    }
}

/// What is in a group cannot be seen here.
#[cfg(not(target_os = "linux"))]
fn until_the_rest_has_ended(_: &Shared) {}
