//! A system that grants no watch: the file is checked in the interval.
//!
//! The test uses a process that may open no more files: this test binary once more, since the limit would hold
//! for the other tests too.

use crate::drive::Drive;
use cancelable_sources::file_appears;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const FILE: &str = "CANCELABLE_TEST_FILE";
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn r30_without_a_watch_to_be_had_it_looks_in_the_interval() {
    run("files_refused::child");
}

#[test]
fn r10_a_logger_that_panics_ends_no_watch() {
    run("files_refused::child_with_a_logger");
}

fn run(child: &str) {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(FILE, folder.path().join("stop"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("told after an hour"), "{said}");
}

#[test]
#[ignore = "run as a process of its own by the test above"]
fn child_with_a_logger() {
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

    log::set_logger(&Panics).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    child();
    assert!(cancelable_core::token::isolated_panics() > 0);
}

#[test]
#[ignore = "run as a process of its own by the test above"]
fn child() {
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    let mut drive = Drive::new(file_appears(&file).unwrap().every(HOUR).unwrap());
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(3);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    assert!(drive.step().is_none());
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .unwrap();
    fs::write(&file, "").unwrap();
    assert!(drive.after(HOUR - Duration::from_secs(1)).is_none());
    let cause = drive.after(Duration::from_secs(1)).unwrap();
    println!("told after an hour: {cause}");
}
