//! A shell that reads commands from the test.

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Operation};
use cancelable_process::{Command, Process};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

pub(crate) const GRACE: Duration = Duration::from_secs(5);

// The scripts are such that no signal is lost on them. A shell that is about to read, or to run a
// program, may hear of it only when that is over; one that waits hears at once. So another process
// reads, which is deaf to the signal from its start.

/// Says "ready", answers SIGTERM with "asked" and goes on, and repeats what it is told.
pub(crate) const STUBBORN: &str = "exec 3<&0; trap '' TERM; \
    (while read line; do echo \"$line\"; done) <&3 & \
    trap 'echo asked' TERM; echo ready; while :; do wait; done";

/// As stubborn, until it is told anything; then says "bye" and exits with 0.
pub(crate) const SLOW: &str = "exec 3<&0; trap '' TERM HUP; (read line) <&3 & \
    trap 'echo asked' TERM; trap 'echo again' HUP; echo ready; \
    until wait $!; do :; done; echo bye; exit 0";

/// The leader ends of SIGTERM, its child is slow.
pub(crate) fn slow_child() -> String {
    format!("exec 4<&0; ({SLOW}) <&4 & wait")
}

/// The leader ends of SIGTERM, its child is stubborn.
pub(crate) fn stubborn_child() -> String {
    format!("exec 4<&0; ({STUBBORN}) <&4 & wait")
}

pub(crate) fn shell(script: &str) -> Command {
    start_with_the_defaults();
    Command::new("sh").args(["-c", script]).grace(GRACE)
}

/// Has what is started from here on start with the default action of every signal, whatever this process was
/// started to ignore: a script's `&` has SIGINT and SIGQUIT ignored. A signal with a handler here has the default
/// action in the child; here it does what the default would.
pub(crate) fn start_with_the_defaults() {
    use signal_hook::consts::*;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};

    // Not SIGPIPE: the standard library ignores it here, and starts others with its default.
    const SIGNALS: [i32; 12] = [
        SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGUSR1, SIGUSR2,
    ];
    static CAUGHT: Once = Once::new();
    CAUGHT.call_once(|| {
        for signal in SIGNALS {
            let always = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_default(signal, always).unwrap();
        }
    });
}

/// Returns whether a program can be started with this prefix. If not, a line reports that the test is left out.
#[cfg(target_os = "linux")]
pub(crate) fn can_start_by(words: &str) -> bool {
    let mut tried = std::process::Command::new("sh");
    let tried = tried.args(["-c", &format!("{words} true")]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        // Past what captures the output of a test that passes.
        let line = format!("left out: nothing can be started by `{words}` here");
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    can
}

pub(crate) struct Talk {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    /// Starts the script; it is ready when this returns.
    pub(crate) fn start(
        script: Command,
        manual: &ManualRuntime,
        token: &CancellationToken,
    ) -> (Process, Self) {
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self::with(script.spawn_on(&manual.handle(), token).unwrap())
    }

    pub(crate) fn in_scope(script: Command, operation: &Operation) -> (Process, Self) {
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self::with(script.spawn(operation).unwrap())
    }

    fn with(mut process: Process) -> (Process, Self) {
        let mut talk = Self {
            stdin: process.stdin.take().unwrap(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
        };
        talk.hear("ready");
        (process, talk)
    }

    /// The next line is this.
    #[track_caller]
    pub(crate) fn hear(&mut self, text: &str) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), text);
    }

    pub(crate) fn say(&mut self, text: &str) {
        writeln!(self.stdin, "{text}").unwrap();
    }

    /// It is there and answers.
    #[track_caller]
    pub(crate) fn assert_alive(&mut self) {
        self.say("alive");
        self.hear("alive");
    }

    /// Everything until all have ended that hold the pipe.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Returns the number of bytes that can be read without waiting.
    pub(crate) fn waiting(&self) -> u64 {
        let in_pipe = rustix::io::ioctl_fionread(self.stdout.get_ref()).unwrap();
        in_pipe + self.stdout.buffer().len() as u64
    }
}

pub(crate) fn pid(process: &Process) -> Pid {
    Pid::from_raw(process.id().try_into().unwrap()).unwrap()
}

/// Waits until the leader has ended, and leaves it as it is.
#[cfg(target_os = "linux")]
pub(crate) fn until_dead(process: &Process) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid(process)), options).unwrap();
}

pub(crate) fn until_stopped(process: &Process) {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid(process)), options).unwrap();
}

/// Returns whether the process has ended and its status was not taken yet.
pub(crate) fn is_zombie(process: &Process) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match waitid(WaitId::Pid(pid(process)), options) {
        Ok(status) => status.is_some(),
        Err(error) => {
            assert_eq!(error, Errno::CHILD);
            false
        }
    }
}

/// Returns whether the process has ended and its status was taken: this process has no such child any more.
pub(crate) fn is_gone(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    matches!(waitid(WaitId::Pid(pid), options), Err(Errno::CHILD))
}
