//! Processes on Unix: signals are sent to process groups, and an ended process keeps its number until its status is taken.

use super::GroupKind;
use super::job::{self, Job};
use crate::StopSignal;
use crate::process::Pipes;
#[cfg(target_os = "linux")]
use crate::shared::AFTER_KILL;
use crate::shared::Shared;
use cancelable_core::CancellationToken;
use cancelable_core::token::isolate;
use cancelable_signals::{Escalation, SignalGuard, Step};
use parking_lot::Mutex;
use rustix::event::{Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group,
    waitid,
};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

/// The receiver of signals. As long as a target exists, its number still belongs to the process: see `shared`.
#[derive(Debug)]
pub(crate) struct Target {
    pid: Pid,
    own_group: bool,
    pub(crate) job: Option<Job>,
}

/// A started process, for the thread that waits for it.
pub(crate) type Started = Child;

/// Starts the process.
pub(crate) fn start(
    command: &mut Command,
    group: GroupKind,
) -> io::Result<(Started, Target, Pipes)> {
    keep_statuses()?;
    let own_group = group != GroupKind::Foreground;
    if own_group {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let is_job = group == GroupKind::Job;
    let target = Target {
        pid,
        own_group,
        job: is_job.then(|| Job::begin(pid)).flatten(),
    };
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    Ok((child, target, pipes))
}

/// Returns whether the signal can be sent. Real-time signals cannot.
pub(crate) fn can_send(signal: StopSignal) -> bool {
    Signal::from_named_raw(signal.number()).is_some()
}

impl Target {
    /// The group of the process, if it has a group of its own.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.own_group.then_some(self.pid)
    }

    /// Sends the stop signal.
    pub(crate) fn terminate(&self, signal: StopSignal) -> io::Result<()> {
        self.send(signal)?;
        // A stopped process receives the signal only after it is continued.
        match self.kills(signal) || signal.number() == Signal::CONT.as_raw() {
            true => Ok(()),
            false => self.signal(Signal::CONT),
        }
    }

    /// Returns whether this signal is the kill.
    pub(crate) fn kills(&self, signal: StopSignal) -> bool {
        signal.number() == Signal::KILL.as_raw()
    }

    pub(crate) fn send(&self, signal: StopSignal) -> io::Result<()> {
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

/// Makes the system keep the statuses of children. While SIGCHLD is ignored, as the starter of this program may have left
/// it, the system discards them. A handler that does nothing is enough. A child starts with the default, as with any
/// handler.
fn keep_statuses() -> io::Result<()> {
    static CAUGHT: Mutex<bool> = Mutex::new(false);
    let mut caught = CAUGHT.lock();
    if !*caught {
        signal_hook::flag::register(signal_hook::consts::SIGCHLD, Arc::default())?;
        *caught = true;
    }
    Ok(())
}

/// Waits for the end of the process and, if it was terminated, of the rest of its group. Then takes the status.
pub(crate) fn watch(shared: &Arc<Shared>, mut child: Child) -> io::Result<ExitStatus> {
    let job = shared.is_job().then(|| forward_stops(shared));
    let ended_by = until_dead(shared, Pid::from_child(&child));
    let had_terminal = shared.take_terminal_back();
    let is_known = until_the_rest_has_ended(shared);
    let rest = shared.close();
    drop(job);
    if let (true, Some(signal)) = (had_terminal, ended_by) {
        job::key_pressed(signal);
    }
    let status = child.wait();
    if let (Some(group), false) = (rest, is_known) {
        until_it_is_gone(
            group,
            Timespec {
                tv_sec: 0,
                tv_nsec: 10_000_000,
            },
        );
    }
    status
}

/// Waits for the end of the process, which stays a zombie. Returns the signal that ended it.
fn until_dead(shared: &Shared, pid: Pid) -> Option<Signal> {
    let stops = match shared.is_job() {
        true => WaitIdOptions::STOPPED,
        false => WaitIdOptions::empty(),
    };
    let ends = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), ends | stops) {
            Err(Errno::INTR) | Ok(None) => {}
            Ok(Some(status)) if status.stopped() => {
                // The stop is taken, or the next wait returns it again. The process may have been continued meanwhile.
                let taken = waitid(WaitId::Pid(pid), stops | WaitIdOptions::NOHANG);
                let signal = taken
                    .ok()
                    .flatten()
                    .and_then(|status| status.stopping_signal());
                if signal.is_some_and(|signal| shared.stopped(signal)) {
                    job::stop_home();
                }
            }
            Ok(Some(status)) => {
                return status.terminating_signal().and_then(Signal::from_named_raw);
            }
            Err(error) => {
                isolate("a logger", || {
                    let name = shared.shown();
                    log::warn!(target: "cancelable", process = &*name; "cannot wait for {name}: {error}");
                });
                return None;
            }
        }
    }
}

/// Passes the stops and continues that a shell sends to this program's group on to the job.
fn forward_stops(shared: &Arc<Shared>) -> Option<SignalGuard> {
    let names = ["SIGTSTP", "SIGCONT"];
    let signals = names
        .into_iter()
        .flat_map(str::parse::<cancelable_signals::Signal>);
    let job = Arc::clone(shared);
    let step = Step::call(
        move |signal| match signal.number() == Signal::CONT.as_raw() {
            true => job.resume(),
            false => drop(job.send(signal.into())),
        },
    );
    // An ignored signal stays ignored.
    let forwarded = Escalation::new(&CancellationToken::never()).signals(signals);
    // Each signal counts: a second Ctrl+Z is another stop.
    let forwarded = forwarded.merge_within(Duration::ZERO);
    let watching = forwarded.first(step.clone()).third(step).start();
    if let Err(error) = &watching {
        isolate("a logger", || {
            let name = shared.shown();
            log::warn!(target: "cancelable", process = &*name; "cannot pass stops of this program on to {name}: {error}");
        });
    }
    watching.ok()
}

/// Waits for the rest of the group of a process that was terminated. Returns true at once if it was not terminated, and
/// false if the members of the group cannot be read.
///
/// Ends: with the last member. Each turn waits for the end of one member. After the kill `Shared` bounds the wait, and the
/// members that still run then are logged.
#[cfg(target_os = "linux")]
fn until_the_rest_has_ended(shared: &Arc<Shared>) -> bool {
    while let Some(group) = shared.rest() {
        let Some(members) = super::members::of(group) else {
            return false;
        };
        if members.is_empty() {
            return true;
        }
        let Ok(alarm) = shared.begin_to_wait_for_the_rest() else {
            return false;
        };
        // Without a timer of the runtime the system measures the time.
        let lost = Timespec {
            tv_sec: AFTER_KILL.as_secs().try_into().unwrap_or(1),
            tv_nsec: 0,
        };
        let timeout = shared.has_lost_its_clock().then_some(&lost);
        if !members.until_one_has_ended(&alarm, timeout) || shared.has_given_up() {
            let left = members.len();
            isolate("a logger", || {
                let name = shared.shown();
                log::warn!(target: "cancelable", process = &*name, left = left; "{name} was killed, and {left} of its group did not end");
            });
            return true;
        }
    }
    true
}

/// This system does not list the members of a group.
#[cfg(not(target_os = "linux"))]
fn until_the_rest_has_ended(shared: &Arc<Shared>) -> bool {
    shared.rest().is_none()
}

/// Waits until a killed group has no member, on a system that only reports whether there is a member. A zombie is a
/// member, and may stay for ever, so the number of attempts is bounded.
fn until_it_is_gone(group: Pid, pause: Timespec) -> bool {
    for _ in 0..200 {
        // No signal is sent: the leader has ended, so another group may have the number.
        if test_kill_process_group(group).is_err() {
            return true;
        }
        // The system has no event for this.
        let _ = poll(&mut [], Some(&pause));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{GroupKind, until_it_is_gone};
    use rustix::event::Timespec;
    use rustix::process::{Signal, kill_process_group};
    use std::process::{Command, Stdio};

    const AT_ONCE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };

    fn reader() -> Command {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command
    }

    #[test]
    fn r28_a_group_is_asked_until_nobody_is_in_it_and_not_for_ever() {
        let (mut child, target, pipes) = super::start(&mut reader(), GroupKind::Own).unwrap();
        let group = target.group().unwrap();
        assert!(!until_it_is_gone(group, AT_ONCE), "it runs");
        kill_process_group(group, Signal::KILL).unwrap();
        // The status of the process was not taken, so the group still exists.
        assert!(!until_it_is_gone(group, AT_ONCE), "it is a zombie");
        child.wait().unwrap();
        assert!(until_it_is_gone(group, AT_ONCE));
        drop(pipes);
    }

    /// The test uses a process that is not killed in place of a killed process that does not end.
    #[cfg(target_os = "linux")]
    #[test]
    fn r28_what_does_not_end_after_a_kill_is_waited_for_no_longer_than_that() {
        use crate::shared::{AFTER_KILL, Shared};
        use crate::{StopSignal, os::unix::until_the_rest_has_ended};
        use cancelable_core::testing::ManualRuntime;
        use rustix::process::Pid;
        use std::time::Duration;

        let manual = ManualRuntime::new();
        let (mut child, target, pipes) = super::start(&mut reader(), GroupKind::Own).unwrap();
        let (runtime, name) = (manual.handle(), "cat".into());
        let shared = Shared::new(name, runtime, Duration::MAX, StopSignal::TERM, target);
        shared.pretend_it_was_killed();
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| until_the_rest_has_ended(&shared));
            while manual.pending_timers() == 0 {
                manual.run_until_idle();
                std::thread::yield_now();
            }
            manual.advance(AFTER_KILL - Duration::from_nanos(1));
            assert!(!waits.is_finished());
            manual.advance(Duration::from_nanos(1));
            assert!(waits.join().unwrap(), "it is known what the group is");
        });
        assert!(shared.has_given_up());
        kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap();
        drop(pipes);
    }
}
