//! Programs in a container: process 1 of a PID namespace, started by `unshare`.

use crate::page::shows;
use crate::programs::{command, say};
use std::io::Write;
use std::process::{Command, Stdio};

const DOCKER: &str = "Docker: `docker stop` takes ten seconds, and nothing is cleaned up";

/// Set where a test that is left out is a failure.
const NEEDED: &str = "CANCELABLE_NEEDS_PID_NAMESPACE";

/// A command whose program is process 1 of a namespace; `None` if the system grants no namespace.
fn in_a_namespace() -> Option<Command> {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--user",
            "--map-root-user",
            "--pid",
            "--fork",
            "--mount-proc",
        ]);
        unshare
    };
    let granted = unshare().arg("true").stderr(Stdio::null()).status();
    let is_granted = granted.is_ok_and(|status| status.success());
    if !is_granted {
        assert!(
            std::env::var_os(NEEDED).is_none(),
            "no PID namespace although {NEEDED} is set"
        );
        // Past what captures the output of a test that passes: it is to be seen.
        let left_out = "left out: process 1, for this system gives no PID namespace";
        let mut stderr = std::io::stderr();
        writeln!(stderr, "{left_out}").unwrap();
    }
    is_granted.then(unshare)
}

/// Runs a program as process 1, or below the shell that is process 1.
fn run(name: &str, script: Option<&str>) -> Option<String> {
    let mut namespace = in_a_namespace()?;
    let program = command(name);
    if let Some(script) = script {
        namespace.args(["sh", "-c", script]);
    }
    namespace
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        namespace.env(name, value.unwrap_or_default());
    }
    let output = namespace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    Some(String::from_utf8(output.stderr).unwrap())
}

/// Sends SIGTERM to a process, and returns when it was sent.
fn terminate(process: &str) {
    let sent = Command::new("kill")
        .args(["-TERM", process])
        .status()
        .unwrap();
    assert!(sent.success());
}

pub(crate) fn without_a_handler() {
    terminate("1");
    say(format_args!("process {} still runs", std::process::id()));
}

pub(crate) fn with_a_handler() {
    let outcome = rt::block_on(rt::scope("server").source(rt::shutdown()).run(async |op| {
        terminate("1");
        op.cancelled().await;
        std::future::pending::<()>().await;
    }));
    say(outcome.cause().unwrap());
}

pub(crate) fn below_a_shell() {
    let scope = rt::scope("server").source(rt::shutdown());
    let outcome = rt::block_on(scope.run(async |op: cancelable_core::Scope| {
        terminate("1");
        say(format_args!("cancelled: {}", op.check().is_err()));
    }));
    assert!(outcome.is_completed());
}

#[test]
fn process_1_ignores_sigterm_unless_it_watches_it() {
    if let Some(printed) = run("process_1", None) {
        assert_eq!(printed, "process 1 still runs\n");
        let watched = run("process_1_watches", None).unwrap();
        assert!(watched.starts_with("SIGTERM received"), "{watched}");
        shows(DOCKER, &watched);
    }
}

#[test]
fn a_shell_as_process_1_forwards_no_signal_and_exec_makes_the_program_process_1() {
    // With a command behind the program the shell stays.
    if let Some(printed) = run("below_a_shell", Some("\"$0\" \"$@\"; true")) {
        assert_eq!(printed, "cancelled: false\n");
        let replaced = run("process_1_watches", Some("exec \"$0\" \"$@\"")).unwrap();
        assert!(replaced.starts_with("SIGTERM received"), "{replaced}");
    }
}
