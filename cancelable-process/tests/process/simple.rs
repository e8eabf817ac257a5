//! The behaviour that is the same on every system, with this binary as the started program.

use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use cancelable_process::Command;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const ROLE: &str = "CANCELABLE_PROCESS_ROLE";

/// Not a test: the program. It waits for the end of its input.
#[test]
fn program() {
    if std::env::var_os(ROLE).is_some() {
        println!("ready");
        assert_eq!(std::io::stdin().lines().count(), 0);
    }
}

fn this_binary() -> Command {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "simple::program", "--nocapture"])
        .env(ROLE, "waits")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
}

#[test]
fn r28_it_ends_of_itself() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let mut process = this_binary().spawn_on(&manual.handle(), &token).unwrap();
    drop(process.stdin.take());
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    lines.for_each(drop);
    let outcome = process.wait_blocking().unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    assert!(outcome.check().is_ok());
}

#[test]
fn r25_a_cancel_ends_it() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let mut process = this_binary().spawn_on(&manual.handle(), &token).unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    token.cancel_with("stop");
    let outcome = process.wait_blocking().unwrap();
    assert_eq!(outcome.cause().unwrap().message(), Some("stop"));
    assert!(!outcome.status().success());
    assert_eq!(outcome.was_killed(), cfg!(windows));
}

#[test]
fn its_status_is_told() {
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let command = Command::new(std::env::current_exe().unwrap()).arg("--no-such-option");
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let process = command.spawn_on(&manual.handle(), &token).unwrap();
    let failed = process.wait_blocking().unwrap().check().unwrap_err();
    assert!(!failed.is_cancelled());
    assert_ne!(failed.outcome().code(), 0);
}
