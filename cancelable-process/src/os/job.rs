//! A process as a job of this program's terminal: what a shell does for a command is done for a
//! process that has a group of its own.
//!
//! A terminal has one process group in the foreground. Only that may read, and the keys Ctrl+C,
//! Ctrl+\ and Ctrl+Z send their signals to that. So the process gets the terminal from this program's
//! group, *home*, and home takes it back when the process has ended or was stopped; else the next
//! read of the shell or the script around this program is an error.
//!
//! It is given at once where standard input and output both are terminals, and otherwise when the
//! process wants it, which stops the process by SIGTTIN or SIGTTOU: in a pipeline the other programs
//! stand in home and may read from the terminal themselves.
//!
//! A stop of the process stops home, so that the shell sees its job stopped and takes the
//! terminal. What continues home, `fg` or `bg`, continues the process. Where nobody could continue
//! home (process 1, a group without a shell above it), the system lets Ctrl+Z stop nothing, and so
//! does this.

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
    /// The process's group. Its leader is a child of this program whose status is not taken.
    group: Pid,
    terminal: File,
    /// Whether it is to have the terminal whenever home has it.
    wants: bool,
    /// What the system refused last. Kept, because the caller may hold a lock.
    refused: Option<Errno>,
}

impl Job {
    /// `None` if this program has no terminal, or cannot learn who is in the foreground.
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

    /// Puts the process in the foreground if home is there. True if the process is there then.
    fn give(&mut self) -> bool {
        match Groups::of(&self.terminal) {
            Some(groups) if groups.is_home() => self.put(self.group).is_ok(),
            Some(groups) => groups.foreground == self.group.as_raw_pid(),
            None => false,
        }
    }

    /// Puts home in the foreground if the process is there, or nobody is any more. True if it was
    /// the process.
    pub(crate) fn take_back(&mut self) -> bool {
        let Some(groups) = Groups::of(&self.terminal) else {
            return false;
        };
        let had = groups.foreground == self.group.as_raw_pid();
        if had || groups.is_abandoned() {
            // Where home has no number here, there is nobody to put there.
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

    /// What the system has refused since the last call, for the log.
    pub(crate) fn refused(&mut self) -> io::Result<()> {
        match self.refused.take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Deals with a stop of the process. True if home is to be stopped as well.
    pub(crate) fn stopped(&mut self, signal: i32) -> bool {
        let is = |other: Signal| signal == other.as_raw();
        let is_for_want = is(Signal::TTIN) || is(Signal::TTOU);
        if is_for_want {
            self.wants = true;
            // Also if it has it: it was stopped before that.
            if self.give() {
                self.send(Signal::CONT);
                return false;
            }
        }
        let had = self.take_back();
        if is(Signal::STOP) {
            // Somebody stops it on purpose. In the foreground it would keep the terminal.
            return had && can_stop();
        }
        if can_stop() {
            return true;
        }
        if is_for_want {
            // So the system deals with a stopped group that nobody can continue.
            self.send(Signal::HUP);
        } else if had {
            self.give();
        }
        self.send(Signal::CONT);
        false
    }

    /// Goes on after a stop of home, or because it is told to.
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

/// Stops home, as the shell is to see it: this program, and those that stand in a pipeline with it.
/// By a signal that nobody can catch, for this program catches the other to pass it on.
pub(crate) fn stop_home() {
    // This group has a member: this process.
    let _ = kill_current_process_group(Signal::STOP);
}

/// The key that ended a process at the terminal was meant for all of this program's group, which had
/// the terminal before: the script around this program ends by it, too.
pub(crate) fn key_pressed(signal: Signal) {
    if matches!(signal, Signal::INT | Signal::QUIT) {
        // This group has a member: this process.
        let _ = kill_current_process_group(signal);
    }
}

/// The terminal that controls this process.
fn terminal() -> Option<File> {
    let controlling = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let stdin = || {
        let stdin = io::stdin();
        let is_terminal = stdin.is_terminal();
        is_terminal.then(|| stdin.as_fd().try_clone_to_owned().map(File::from))
    };
    // A container may have the terminal and not the file.
    controlling.ok().or_else(|| stdin()?.ok())
}

/// Numbers of process groups. Zero is a group of outside this PID namespace, as that of a process 1
/// may be, and rustix has no number 0: so on Linux they are read and not asked for.
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

    /// Whether there is nothing left of the group in the foreground.
    fn is_abandoned(&self) -> bool {
        let foreground = Pid::from_raw(self.foreground);
        foreground.is_some_and(|group| test_kill_process_group(group) == Err(Errno::SRCH))
    }
}

/// Calls `act` with SIGTTOU blocked on this thread: the system stops a group in the background that
/// hands the terminal over, unless it is.
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

/// Whether a stop of home can be undone by a shell: not that of process 1, nor that of an orphaned
/// group, in which nobody has a parent in another group of the same session.
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

/// Of other systems only this process's own parent is asked. One in the same group, such as a
/// script, is presumed to have a shell above it.
#[cfg(not(target_os = "linux"))]
fn has_shell() -> bool {
    use rustix::process::{getpgid, getpgrp, getppid, getsid};
    getppid().is_some_and(|parent| {
        getpgid(Some(parent)) == Ok(getpgrp()) || getsid(Some(parent)) == getsid(None)
    })
}
