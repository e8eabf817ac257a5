//! Signal dispositions that this program has inherited: neither a process, nor its status, nor an ignored signal
//! is lost by them.
//!
//! The program is this binary, which starts a shell and exits with the status of the shell.

use crate::kit::start_with_the_defaults;
use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use cancelable_process::{Command, exit_as};
use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Output};

const SCRIPT: &str = "CANCELABLE_PROCESS_INHERITED";

/// Not a test: the program.
#[test]
fn program() {
    if let Some(script) = env::var_os(SCRIPT) {
        let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
        let shell = Command::new("sh").arg("-c").arg(script);
        let process = shell.spawn_on(&manual.handle(), &token).unwrap();
        exit_as(process.wait_blocking().unwrap().status());
    }
}

fn run(before: &str, script: &str) -> Output {
    start_with_the_defaults();
    let mut shell = process::Command::new("sh");
    shell.args(["-c", &format!("{before} \"$0\" \"$@\"")]);
    shell.arg(env::current_exe().unwrap());
    shell.args(["--exact", "inherited::program", "--nocapture"]);
    shell.env(SCRIPT, script).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn r28_a_status_is_not_lost_where_sigchld_was_ignored() {
    let ignoring = "env --ignore-signal=CHLD";
    if crate::kit::can_start_by(ignoring) {
        // The shell has the default again: else it would know nothing of its own child.
        let script = "(exit 6) & wait $!; exit $(($? + 1))";
        let output = run(&format!("exec {ignoring}"), script);
        assert_eq!(output.status.code(), Some(7), "{output:?}");
    }
}

#[test]
fn r33_what_ends_a_process_ends_the_program_that_exits_as_it() {
    for number in [2, 9, 11, 15] {
        let output = run("exec", &format!("kill -{number} $$"));
        assert_eq!(output.status.signal(), Some(number), "{output:?}");
        assert!(!output.status.core_dumped(), "{output:?}");
    }
}
