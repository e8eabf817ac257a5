//! A logger that panics (R10), and the lines that it receives. A binary of its own, because a process has one
//! logger.
#![cfg(unix)]
#![allow(missing_docs)]

use cancelable_core::CancellationToken;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_process::Command;
use parking_lot::Mutex;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(5);

struct Panics;

static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        TOLD.lock().push(line);
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
    // R28: that it came to the kill is told, above what is told of each process.
    let told = TOLD.lock();
    let is_kill = |line: &&String| line.starts_with("WARN sh is killed: ");
    let kills: Vec<_> = told.iter().filter(is_kill).collect();
    assert_eq!(kills.len(), 1, "{told:?}");
    assert!(kills[0].contains("its grace period was over"), "{kills:?}");
}
