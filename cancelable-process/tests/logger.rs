//! A logger that panics (R10). Its own binary, because a process has one logger.
#![cfg(unix)]
#![allow(missing_docs)]

use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_process::Command;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(5);

struct Panics;

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        panic!("the logger was told");
    }

    fn flush(&self) {}
}

#[test]
fn r10_r23_a_process_that_is_asked_beside_it_is_killed_when_its_grace_is_over() {
    log::set_logger(&Panics).expect("it is the first");
    log::set_max_level(log::LevelFilter::Trace);
    let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
    let deaf = Command::new("sh").args(["-c", "trap '' TERM; echo ready; exec cat"]);
    let deaf = deaf.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = deaf
        .grace(GRACE)
        .spawn_on(&manual.handle(), &token)
        .expect("there is a shell");
    let stdout = process.stdout.take().expect("it is piped");
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    assert_eq!((read.ok(), line.as_str()), (Some(6), "ready\n"));
    token.cancel();
    assert!(isolated_panics() > 0);
    manual.run_until_idle();
    assert_eq!(manual.pending_timers(), 1, "its grace is timed");
    manual.advance(GRACE);
    let outcome = process.wait_blocking().expect("it can be waited for");
    assert!(outcome.was_killed());
}
