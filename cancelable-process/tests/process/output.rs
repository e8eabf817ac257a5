//! The output of a process.

use crate::kit::{GRACE, shell};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Scope};
use cancelable_process::{Command, Output};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

/// Runs it, with a moment to look at the scope in which it runs.
fn output_in(manual: &ManualRuntime, command: Command, look: impl FnOnce(Operation)) -> Output {
    let _hold = manual.hold_time();
    let scope = Scope::builder("work")
        .runtime(&manual.handle())
        .grace(Duration::MAX)
        .build()
        .unwrap();
    let run = scope.run(async |op| {
        look(op.operation().clone());
        command.output(&op).await.unwrap()
    });
    manual.block_on(run).into_value().unwrap()
}

fn output(command: Command) -> Output {
    output_in(&ManualRuntime::new(), command, drop)
}

#[test]
fn it_has_both_and_the_status() {
    let output = output(shell("echo out; echo err >&2; exit 3"));
    assert_eq!(output.stdout(), b"out\n");
    assert_eq!(output.stderr(), b"err\n");
    assert_eq!(output.outcome().code(), 3);
    assert_eq!(output.into_stdout(), b"out\n");
}

#[test]
fn more_than_a_pipe_holds_is_taken_from_both() {
    let script = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; echo end";
    let output = output(shell(script));
    assert_eq!(output.stdout().len(), 1_000_004);
    assert_eq!(output.stderr().len(), 1_000_000);
}

#[test]
fn r25_a_pipe_that_another_process_holds_open_holds_up_nobody() {
    // The other process lives until this test lets it go, which it does when it has the output.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let script = shell("exec 3<&0; (read line <&3) & echo out; exit 0");
    let output = output(script.stdin(OwnedFd::from(theirs)));
    assert_eq!(output.stdout(), b"out\n");
    assert!(output.outcome().is_success());
    drop(ours);
}

#[test]
fn r25_one_that_goes_on_writing_into_the_pipe_holds_up_nobody() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // It ends when nobody reads any more.
    let script = shell("yes & read line; exit 0").stdin(OwnedFd::from(theirs));
    (&ours).write_all(b"go\n").unwrap();
    assert!(output(script).outcome().is_success());
}

#[test]
fn r18_what_was_written_before_the_kill_is_there() {
    let manual = ManualRuntime::new();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let script = "trap 'echo asked; echo asked >&0' TERM; echo out; echo ready >&0; \
        while :; do :; done";
    let script = shell(script).stdin(OwnedFd::from(theirs));
    let output = thread::scope(|threads| {
        output_in(&manual, script, |op| {
            let manual = &manual;
            threads.spawn(move || {
                let mut heard = [0; 6];
                ours.read_exact(&mut heard).unwrap();
                assert_eq!(&heard, b"ready\n");
                op.cancel_with("stop");
                ours.read_exact(&mut heard).unwrap();
                assert_eq!(&heard, b"asked\n");
                manual.advance(GRACE);
            });
        })
    });
    assert_eq!(output.stdout(), b"out\nasked\n");
    assert!(output.outcome().was_killed());
    let cause = output.outcome().cause().unwrap();
    assert_eq!(cause.message(), Some("stop"));
}
