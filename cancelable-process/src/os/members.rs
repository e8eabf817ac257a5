//! The members of a process group, on Linux.
//!
//! Only `/proc` lists them. A descriptor is opened for each process found, and then the process is read again by its
//! number. If the process is in the group then, the descriptor belongs to it.

use super::stat::{self, Stat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsFd, OwnedFd};

/// The processes of a group that have not ended.
pub(super) struct Members {
    running: Vec<OwnedFd>,
}

/// Returns the running members of the group, or `None` if they cannot be read.
pub(super) fn of(group: Pid) -> Option<Members> {
    let members = scan(group)?;
    // The second scan finds a process that was started during the first, by a process that has ended since.
    match members.is_empty() {
        true => scan(group),
        false => Some(members),
    }
}

fn scan(group: Pid) -> Option<Members> {
    let mut running = Vec::new();
    for pid in stat::all()? {
        if !runs_in(group, pid) {
            continue;
        }
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) if runs_in(group, pid) => running.push(descriptor),
            // The process has ended meanwhile.
            Ok(_) | Err(Errno::SRCH) => {}
            Err(_) => return None,
        }
    }
    Some(Members { running })
}

/// Returns whether the process is in the group and has not ended.
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

    /// Waits until a member has ended, or `alarm` is readable, or the timeout has passed. Returns false at the timeout.
    pub(super) fn until_one_has_ended(&self, alarm: impl AsFd, timeout: Option<&Timespec>) -> bool {
        let running = self.running.iter().map(AsFd::as_fd);
        let mut descriptors: Vec<_> = running
            .chain([alarm.as_fd()])
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        loop {
            match poll(&mut descriptors, timeout) {
                // Ends: each interruption is a signal from outside.
                Err(Errno::INTR) => {}
                Ok(0) => return false,
                // An error does not mean that a process has ended, and the caller's next scan would have the same
                // error.
                result => return result.is_ok(),
            }
        }
    }
}
