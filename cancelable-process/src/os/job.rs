//! A process as a job of this program's terminal, like a command as a job of a shell.
//!
//! A terminal has one process group in the foreground. Only that group may read, and the keys Ctrl+C, Ctrl+\ and Ctrl+Z
//! send their signals to it. So the process's group gets the terminal from this program's group, *home*. Home takes the
//! terminal back when the process has ended or was stopped. Otherwise the next read of the shell or the script around this
//! program is an error.
//!
//! If standard input and output are both terminals, the process gets the terminal at once. Otherwise it gets the terminal
//! when it needs it, which stops the process by SIGTTIN or SIGTTOU: in a pipeline the other programs are in home and may
//! read from the terminal, too.
//!
//! A stop of the process stops home, so the shell sees a stopped job and takes the terminal. A continue of home, by
//! `fg` or `bg`, continues the process. If no shell can continue home (process 1, a group without a shell), the
//! system ignores Ctrl+Z, and so does this module.

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, kill_current_process_group, kill_process_group, test_kill_process_group,
};
use rustix::termios::tcsetpgrp;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

#[derive(Debug)]
pub(crate) struct Job {
    /// The group of the process. The leader is a child of this program, and its exit status was not taken.
    group: Pid,
    terminal: File,
    /// True if the process gets the terminal whenever home has it.
    wants: bool,
    /// The last error of the system. Stored and not logged, because the caller may hold a lock.
    refused: Option<Errno>,
}

impl Job {
    /// Returns `None` if this program has no terminal, or the group in the foreground is not known.
    pub(crate) fn begin(group: Pid) -> Option<Self> {
        let mut job = Self {
            group,
            terminal: terminal()?,
            wants: io::stdin().is_terminal() && io::stdout().is_terminal(),
            refused: None,
        };
        Groups::of(&job.terminal)?;
        if job.wants {
            job.give();
        }
        Some(job)
    }

    /// Puts the process in the foreground if home is there. Returns whether the process is in the foreground.
    fn give(&mut self) -> bool {
        match Groups::of(&self.terminal) {
            Some(groups) if groups.is_home() => self.put(self.group).is_ok(),
            Some(groups) => groups.foreground == self.group.as_raw_pid(),
            None => false,
        }
    }

    /// Puts home in the foreground if the process is there, or a group without members. Returns whether the process was
    /// there.
    pub(crate) fn take_back(&mut self) -> bool {
        let Some(groups) = Groups::of(&self.terminal) else {
            return false;
        };
        let had = groups.foreground == self.group.as_raw_pid();
        if had || groups.is_abandoned() {
            // Home may have no number in this PID namespace.
            let home = Pid::from_raw(groups.home);
            let _ = home.map(|home| self.put(home));
        }
        had
    }

    fn put(&mut self, group: Pid) -> Result<(), Errno> {
        let put = unstopped(|| tcsetpgrp(&self.terminal, group));
        self.refused = put.err().or(self.refused);
        put
    }

    /// Returns the error of the system since the last call, for the log.
    pub(crate) fn refused(&mut self) -> io::Result<()> {
        match self.refused.take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Handles a stop of the process. Returns whether home is to be stopped as well.
    pub(crate) fn stopped(&mut self, signal: i32) -> bool {
        let is = |other: Signal| signal == other.as_raw();
        let is_for_want = is(Signal::TTIN) || is(Signal::TTOU);
        if is_for_want {
            self.wants = true;
            // Also if the process has the terminal: it was stopped before it got it.
            if self.give() {
                self.send(Signal::CONT);
                return false;
            }
        }
        let had = self.take_back();
        if is(Signal::STOP) {
            // An intended stop. In the foreground the process would keep the terminal.
            return had && can_stop();
        }
        if can_stop() {
            return true;
        }
        if is_for_want {
            // The system does the same to a stopped group that no shell can continue.
            self.send(Signal::HUP);
        } else if had {
            self.give();
        }
        self.send(Signal::CONT);
        false
    }

    /// Continues the process, after a stop of home or on request.
    pub(crate) fn resume(&mut self) {
        if self.wants {
            self.give();
        }
        self.send(Signal::CONT);
    }

    fn send(&mut self, signal: Signal) {
        let sent = kill_process_group(self.group, signal);
        self.refused = sent.err().or(self.refused);
    }
}

/// Stops home for the shell: this program, and the other programs of its pipeline. The signal is SIGSTOP, which cannot be
/// caught, because this program catches SIGTSTP to pass it on.
pub(crate) fn stop_home() {
    // This group has a member: this process.
    let _ = kill_current_process_group(Signal::STOP);
}

/// Sends the signal of a key that ended the process to home as well. Home had the terminal before, so the script around
/// this program ends by the key, too.
pub(crate) fn key_pressed(signal: Signal) {
    if matches!(signal, Signal::INT | Signal::QUIT) {
        // This group has a member: this process.
        let _ = kill_current_process_group(signal);
    }
}

/// Returns the controlling terminal of this process.
fn terminal() -> Option<File> {
    let controlling = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let stdin = || {
        let stdin = io::stdin();
        let is_terminal = stdin.is_terminal();
        is_terminal.then(|| stdin.as_fd().try_clone_to_owned().map(File::from))
    };
    // A container may have the terminal without the file.
    controlling.ok().or_else(|| stdin()?.ok())
}

/// The numbers of process groups. Zero is a group outside this PID namespace, as the group of a process 1 may be. rustix
/// has no number 0, so on Linux the numbers are read from `/proc`.
struct Groups {
    home: i32,
    foreground: i32,
}

impl Groups {
    #[cfg(target_os = "linux")]
    fn of(_terminal: &File) -> Option<Self> {
        let stat = super::stat::Stat::own()?;
        let has_terminal = stat.foreground != -1;
        has_terminal.then_some(Self {
            home: stat.group,
            foreground: stat.foreground,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(terminal: &File) -> Option<Self> {
        Some(Self {
            home: rustix::process::getpgrp().as_raw_pid(),
            foreground: rustix::termios::tcgetpgrp(terminal).ok()?.as_raw_pid(),
        })
    }

    fn is_home(&self) -> bool {
        self.foreground == self.home
    }

    /// Returns whether the group in the foreground has no members.
    fn is_abandoned(&self) -> bool {
        let foreground = Pid::from_raw(self.foreground);
        foreground.is_some_and(|group| test_kill_process_group(group) == Err(Errno::SRCH))
    }
}

/// Calls `act` with SIGTTOU blocked on this thread. Otherwise the system stops a group in the background that sets the
/// foreground of the terminal.
fn unstopped<T>(act: impl FnOnce() -> T) -> T {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    let mut stop = SigSet::empty();
    stop.add(Signal::SIGTTOU);
    let before = stop.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let result = act();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    result
}

/// Returns whether a shell can continue home after a stop. It cannot for process 1, nor for an orphaned group, in which no
/// member has a parent in another group of the same session.
fn can_stop() -> bool {
    std::process::id() != 1 && has_shell()
}

#[cfg(target_os = "linux")]
fn has_shell() -> bool {
    use super::stat::{self, Stat};
    let (Some(own), Some(mut all)) = (Stat::own(), stat::all()) else {
        return false;
    };
    all.any(|pid| {
        let member = Stat::of(pid).filter(|stat| stat.group == own.group);
        let parent = member.and_then(|stat| Pid::from_raw(stat.parent));
        let parent = parent.and_then(Stat::of);
        parent.is_some_and(|parent| parent.group != own.group && parent.session == own.session)
    })
}

/// On other systems only the parent of this process is read. A parent in the same group, such as a script, is
/// presumed to have a shell as an ancestor.
#[cfg(not(target_os = "linux"))]
fn has_shell() -> bool {
    use rustix::process::{getpgid, getpgrp, getppid, getsid};
    getppid().is_some_and(|parent| {
        getpgid(Some(parent)) == Ok(getpgrp()) || getsid(Some(parent)) == getsid(None)
    })
}
