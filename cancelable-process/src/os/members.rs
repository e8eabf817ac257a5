//! The members of a process group, on Linux.
//!
//! `/proc` is the only place that names them. A descriptor is opened for each process found, and the
//! process looked at again through its number afterwards: if it is in the group then, the
//! descriptor is its own.

use super::stat::{self, Stat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsFd, OwnedFd};

/// The processes of a group that have not ended.
pub(super) struct Members {
    running: Vec<OwnedFd>,
}

/// What runs of the group, or `None` where that cannot be learned.
pub(super) fn of(group: Pid) -> Option<Members> {
    let members = look(group)?;
    // One that was started behind our back, by one that has ended since, is there the next time.
    match members.is_empty() {
        true => look(group),
        false => Some(members),
    }
}

fn look(group: Pid) -> Option<Members> {
    let mut running = Vec::new();
    for pid in stat::all()? {
        if !runs_in(group, pid) {
            continue;
        }
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) if runs_in(group, pid) => running.push(descriptor),
            // It has ended meanwhile.
            Ok(_) | Err(Errno::SRCH) => {}
            Err(_) => return None,
        }
    }
    Some(Members { running })
}

/// Whether the process is in the group and has not ended.
fn runs_in(group: Pid, pid: Pid) -> bool {
    Stat::of(pid).is_some_and(|stat| !stat.has_ended && stat.group == group.as_raw_pid())
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits until any of them has ended, or there is something on `alarm`, or the time is over.
    /// False if it is.
    pub(super) fn until_one_has_ended(&self, alarm: impl AsFd, timeout: Option<&Timespec>) -> bool {
        let running = self.running.iter().map(AsFd::as_fd);
        let mut descriptors: Vec<_> = running
            .chain([alarm.as_fd()])
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        loop {
            match poll(&mut descriptors, timeout) {
                // Ends: a signal that interrupts comes from outside.
                Err(Errno::INTR) => {}
                Ok(0) => return false,
                // An error is no end of a process, so the caller's next look would find the same.
                result => return result.is_ok(),
            }
        }
    }
}
