//! What a process group consists of, on Linux.
//!
//! `/proc` is the only place that says. A descriptor is opened for each process found, and the
//! process looked at again through its number afterwards: if it is in the group then, the
//! descriptor is its own.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::os::fd::OwnedFd;

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
    for entry in fs::read_dir("/proc").ok()? {
        let name = entry.ok()?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else {
            continue;
        };
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
    let Ok(stat) = fs::read(format!("/proc/{}/stat", pid.as_raw_pid())) else {
        return false;
    };
    // "number (name) state parent group ...", where the name may have anything in it.
    let stat = String::from_utf8_lossy(&stat);
    let Some((_, rest)) = stat.rsplit_once(") ") else {
        return false;
    };
    let mut fields = rest.split(' ');
    let state = fields.next();
    let its_group = fields.nth(1).and_then(|field| field.parse().ok());
    !matches!(state, Some("Z" | "X" | "x")) && its_group.and_then(Pid::from_raw) == Some(group)
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the end of any of them.
    pub(super) fn until_one_has_ended(&self) {
        let mut descriptors: Vec<_> = self
            .running
            .iter()
            .map(|process| PollFd::new(process, PollFlags::IN))
            .collect();
        while let Err(Errno::INTR) = poll(&mut descriptors, None) {}
    }
}
