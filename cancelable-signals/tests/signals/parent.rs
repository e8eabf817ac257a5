//! Starts a program of `child`, reads its lines, sends signals, and reads its exit status.

use cancelable_signals::Signal;
use rustix::process::{Pid, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Only a run that fails waits this long.
const LIMIT: Duration = Duration::from_secs(60);

/// Has what is started from here on start with the default action of every signal, whatever this process was
/// started to ignore: a script's `&` has SIGINT and SIGQUIT ignored. A signal with a handler here has the default
/// action in the child; here it does what the default would. The programs do not come here.
fn start_with_the_defaults() {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};

    static CAUGHT: Once = Once::new();
    CAUGHT.call_once(|| {
        // The standard library starts others with the default of SIGPIPE. Real-time signals are not known to
        // signal-hook, and no program ignores them.
        let signals = (1..32).filter_map(|number| Signal::try_from(number).ok());
        for signal in signals.filter(|signal| signal.name() != "SIGPIPE") {
            let always = Arc::new(AtomicBool::new(true));
            let _ = signal_hook::flag::register_conditional_default(signal.number(), always);
        }
    });
}

/// Returns whether this system has what a test needs. If not, a line reports that the test is left out.
#[cfg(target_os = "linux")]
pub(crate) fn can_run(program: &str, args: &[&str]) -> bool {
    let tried = Command::new(program).args(args).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        // Past what captures the output of a test that passes.
        let line = format!(
            "left out: this system cannot run {program} {}",
            args.join(" ")
        );
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    can
}

pub(crate) struct Program {
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(program: &str) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), program)
    }

    /// Ignores this signal in the program, as `nohup` does.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_ignoring(signal: &str, program: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {signal}; exec \"$0\" \"$@\"")]);
        shell.arg(std::env::current_exe().unwrap());
        Self::spawn(shell, program)
    }

    /// Starts the program as the last argument of another program.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_under(starter: &str, args: &[&str], program: &str) -> Self {
        let mut command = Command::new(starter);
        command.args(args).arg(std::env::current_exe().unwrap());
        Self::spawn(command, program)
    }

    fn spawn(mut command: Command, program: &str) -> Self {
        start_with_the_defaults();
        command
            .args(["--exact", "child::child", "--nocapture"])
            .env("CANCELABLE_SIGNALS_CHILD", program);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, line)) = line.split_once("child: ") {
                    let _ = said.send(line.to_string());
                }
            }
        });
        Self {
            process,
            stdin,
            lines,
        }
    }

    /// The next line that the program says.
    pub(crate) fn next(&mut self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => panic!("no line: {error}; {:?}", self.process.try_wait()),
        }
    }

    #[track_caller]
    pub(crate) fn hears(&mut self, line: &str) -> &mut Self {
        assert_eq!(self.next(), line);
        self
    }

    pub(crate) fn tell(&mut self, line: impl std::fmt::Display) -> &mut Self {
        // A program that has ended reads no line; how it ended is for the caller to see.
        let _ = writeln!(self.stdin, "{line}");
        self
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> &mut Self {
        let pid = self.process.id();
        match rustix::process::Signal::from_named_raw(signal.number()) {
            Some(named) => {
                kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), named).unwrap();
            }
            // Real-time signals have no name there.
            None => {
                let kill = format!("kill -{} {pid}", signal.number());
                assert!(
                    Command::new("sh")
                        .args(["-c", &kill])
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
        self
    }

    /// Waits for the end: what was said until then, and the status.
    pub(crate) fn end(&mut self) -> (Vec<String>, ExitStatus) {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => return (said, self.process.wait().unwrap()),
                Err(RecvTimeoutError::Timeout) => panic!("it lives on, having said {said:?}"),
            }
        }
    }

    /// Waits for the end, which must be by this signal.
    #[track_caller]
    pub(crate) fn is_killed_by(&mut self, signal: Signal) {
        let (said, status) = self.end();
        assert_eq!(
            (said, status.signal()),
            (Vec::new(), Some(signal.number())),
            "{status}"
        );
    }

    /// Waits for the end, which must be its own, with this status.
    #[track_caller]
    pub(crate) fn exits_with(&mut self, code: i32) {
        let (said, status) = self.end();
        assert_eq!((said, status.code()), (Vec::new(), Some(code)), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
