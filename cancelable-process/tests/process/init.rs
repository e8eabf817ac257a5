//! Process 1, with this binary in that role.
//!
//! Each test runs twice: below this process, which registers as the subreaper of orphans, and as process 1 of a
//! namespace, to which the system hands orphans and which signals without a handler do not reach.

use crate::kit::{can_start_by, start_with_the_defaults};
use cancelable_process::{Init, exit_as};
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = "CANCELABLE_PROCESS_INIT";
/// The program that runs the script, if not the shell.
const PROGRAM: &str = "CANCELABLE_PROCESS_INIT_PROGRAM";
/// Set where a test that is left out is a failure.
const NEEDED: &str = "CANCELABLE_NEEDS_PID_NAMESPACE";

/// Not a test: the program.
#[test]
fn program() {
    if let Some(script) = env::var_os(SCRIPT) {
        let mut shell = Command::new(env::var_os(PROGRAM).unwrap_or("sh".into()));
        shell.arg("-c").arg(script).env_remove(SCRIPT);
        match Init::new(shell).status() {
            Ok(status) => exit_as(status),
            Err(error) if error.is_not_found() => std::process::exit(127),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The program that runs the script, below this process or as process 1.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Below,
    Namespace,
}

impl Place {
    /// The environments in which the tests can run here.
    fn all() -> Vec<Self> {
        // Something simple, so that what fails is not the program that is tested.
        let tried = Self::unshare().arg("true").output().unwrap();
        if tried.status.success() {
            return vec![Self::Below, Self::Namespace];
        }
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(
            env::var_os(NEEDED).is_none(),
            "no PID namespace although {NEEDED} is set: {said}"
        );
        // Past what captures the output of a test that passes: it is to be seen.
        let left_out = "left out: process 1, for this system gives no PID namespace";
        let mut stderr = std::io::stderr();
        writeln!(stderr, "{left_out}: {said}").unwrap();
        vec![Self::Below]
    }

    /// The command that makes the next argument process 1.
    fn unshare() -> Command {
        let mut unshare = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            unshare.args(["--user", "--map-root-user"]);
        }
        unshare.args(["--pid", "--fork", "--mount-proc"]);
        unshare
    }

    fn command(self, script: &str) -> Command {
        start_with_the_defaults();
        let this = env::current_exe().unwrap();
        let mut command = match self {
            Self::Below => Command::new(this),
            Self::Namespace => {
                let mut unshare = Self::unshare();
                unshare.arg(this);
                unshare
            }
        };
        command.args(["--exact", "init::program", "--nocapture"]);
        command.env(SCRIPT, script);
        command
    }

    /// The program, started by a shell that does this first.
    fn under(self, before: &str, script: &str) -> Command {
        let program = self.command(script);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{before} \"$0\" \"$@\"")]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.env(SCRIPT, script).stdin(Stdio::null());
        shell
    }

    /// The exit code of the program, and what the script wrote to standard error.
    fn run(self, script: &str) -> (Option<i32>, String) {
        let output = self.command(script).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    }

    /// Starts it, to be talked to by its standard input and error.
    fn start(self, script: &str) -> (Child, BufReader<impl Read + use<>>) {
        let mut command = self.command(script);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        (child, said)
    }
}

fn line(said: &mut impl BufRead) -> String {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn it_exits_as_the_program_does() {
    for place in Place::all() {
        assert_eq!(place.run("exit 0").0, Some(0));
        assert_eq!(place.run("exit 7").0, Some(7));
    }
}

/// The kernel ends process 1 by no signal that it does not handle.
#[test]
fn r33_it_dies_of_what_the_program_died_of_and_as_process_1_says_so_by_its_code() {
    for place in Place::all() {
        for number in [2, 9, 15] {
            let script = format!("kill -{number} $$");
            let status = place.command(&script).output().unwrap().status;
            match place {
                Place::Below => assert_eq!(status.signal(), Some(number)),
                Place::Namespace => assert_eq!(status.code(), Some(128 + number)),
            }
        }
    }
}

/// Ignores the signals, as for `nohup` and the background jobs of a script.
#[test]
fn r33_what_was_ignored_at_the_start_stays_ignored_in_it_and_in_the_program() {
    let script = "kill -INT $PPID $$; kill -HUP $PPID $$; \
        grep SigIgn: /proc/$$/status >&2; exit 5";
    for place in Place::all() {
        let output = place
            .under("trap '' INT HUP; exec", script)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let ignored = said.trim().rsplit('\t').next().unwrap();
        let ignored = u64::from_str_radix(ignored, 16).unwrap();
        assert_eq!(ignored & 0b11, 0b11, "{said}");
    }
}

/// A SIGCHLD that is blocked tells nobody that the program has ended.
#[test]
fn r28_it_ends_where_its_starter_ignored_or_blocked_sigchld() {
    let (ignoring, blocking) = ("env --ignore-signal=CHLD", "env --block-signal=CHLD,TERM");
    if !can_start_by(ignoring) || !can_start_by(blocking) {
        return;
    }
    for place in Place::all() {
        let mut program = place.under(&format!("exec {ignoring}"), "exit 7");
        assert_eq!(program.output().unwrap().status.code(), Some(7));
    }
    for place in Place::all() {
        let script = "trap 'exit 7' TERM; kill -TERM $PPID; while :; do :; done";
        let mut program = place.under(&format!("exec {blocking}"), script);
        assert_eq!(program.output().unwrap().status.code(), Some(7));
    }
}

#[test]
fn it_is_process_1() {
    for place in Place::all() {
        let (code, said) = place.run("echo $PPID >&2");
        assert_eq!(code, Some(0));
        assert_eq!(said == "1\n", place == Place::Namespace, "{said}");
    }
}

/// The script signals its parent, and hears of it; its own child does, too.
#[test]
fn r33_each_signal_is_forwarded_to_the_group() {
    for place in Place::all() {
        for signal in [
            "TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "TSTP",
        ] {
            let script = format!(
                "trap 'echo leader >&2; exit 3' {signal}; \
                 kill -{signal} $PPID; while :; do :; done"
            );
            let (code, said) = place.run(&script);
            assert_eq!((code, &*said), (Some(3), "leader\n"), "{signal}");
        }
        let script = "trap : TERM; init=$PPID; \
            (trap 'echo child >&2; exit 4' TERM; kill -TERM $init; while :; do :; done) & \
            wait $!; code=$?; while [ $code -gt 128 ]; do wait $!; code=$?; done; exit $code";
        let (code, said) = place.run(script);
        assert_eq!((code, &*said), (Some(4), "child\n"));
    }
}

#[test]
fn r33_a_signal_from_outside_is_forwarded() {
    let script = "trap 'echo asked >&2; exit 3' TERM; echo ready >&2; while :; do :; done";
    let (mut child, mut said) = Place::Below.start(script);
    assert_eq!(line(&mut said), "ready");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(line(&mut said), "asked");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// An orphan is known by its parent, and one that ended and was not reaped by its entry in `/proc`.
#[test]
fn orphans_come_to_it_and_are_reaped() {
    for place in Place::all() {
        let script = "exec 3<&0; \
            orphan=$(sh -c '(read line <&3) >/dev/null 2>&1 & echo $!'); \
            until grep -q \"^PPid:.$PPID$\" /proc/$orphan/status; do :; done; \
            echo adopted >&2; \
            while [ -e /proc/$orphan ]; do :; done; \
            echo reaped >&2; exit 5";
        let (mut child, mut said) = place.start(script);
        assert_eq!(line(&mut said), "adopted");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"go\n").unwrap();
        assert_eq!(line(&mut said), "reaped");
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }
}

/// They end while it is stopped, so that one SIGCHLD tells of all of them.
#[test]
fn orphans_that_end_together_are_all_reaped() {
    let script = "exec 3<&0; orphans=; \
        for _ in 1 2 3; do \
            orphans=\"$orphans $(sh -c '(read line <&3) >/dev/null 2>&1 & echo $!')\"; \
        done; \
        for orphan in $orphans; do \
            until grep -q \"^PPid:.$PPID$\" /proc/$orphan/status; do :; done; \
        done; \
        kill -STOP $PPID; \
        until grep -q '^State:.T' /proc/$PPID/status; do :; done; \
        echo stopped >&2; \
        for orphan in $orphans; do \
            until grep -q '^State:.Z' /proc/$orphan/status; do :; done; \
        done; \
        kill -CONT $PPID; \
        for orphan in $orphans; do while [ -e /proc/$orphan ]; do :; done; done; \
        echo reaped >&2; exit 5";
    // Process 1 of a namespace is not stopped from inside.
    let (mut child, mut said) = Place::Below.start(script);
    assert_eq!(line(&mut said), "stopped");
    drop(child.stdin.take());
    assert_eq!(line(&mut said), "reaped");
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn r28_the_end_of_the_program_is_the_end_of_its_namespace() {
    for place in Place::all() {
        let script = "exec 3<&0; (read line <&3) & echo ready >&2; exit 6";
        let (mut child, mut said) = place.start(script);
        assert_eq!(line(&mut said), "ready");
        assert_eq!(child.wait().unwrap().code(), Some(6));
        if place == Place::Below {
            // There nobody ends it but its own input.
            drop(child.stdin.take());
        }
        assert_eq!(said.read_to_string(&mut String::new()).unwrap(), 0);
    }
}

/// A process in the background would be stopped forever when it reads.
#[test]
fn in_a_terminal_the_program_is_in_the_foreground() {
    let program = Place::Below.command("read line; echo got $line; exit 8");
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let args: Vec<_> = program.get_args().map(quoted).collect();
    let command = format!("{} {}", quoted(program.get_program()), args.join(" "));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script.env(SCRIPT, "read line; echo got $line; exit 8");
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = script.spawn().unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    keyboard.write_all(b"this\n").unwrap();
    let mut screen = String::new();
    let mut pipe = terminal.stdout.take().unwrap();
    pipe.read_to_string(&mut screen).unwrap();
    assert_eq!(terminal.wait().unwrap().code(), Some(8), "{screen}");
    assert!(screen.contains("got this"), "{screen}");
    drop(keyboard);
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let mut command = Place::Below.command("");
    command.env(PROGRAM, "/no/such/program");
    assert_eq!(command.output().unwrap().status.code(), Some(127));
}
