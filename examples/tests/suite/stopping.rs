//! Each way to stop the job: its exit code, its report, and that the output stays valid.

use std::fs::{self, File};

use serde_json::Value;

use crate::kit::{Ended, Tree};
use crate::running::Running;

/// A tree with one file that is done at once and one that is never done.
fn endless() -> Tree {
    let tree = Tree::new();
    tree.file("first", "abc").huge("huge");
    tree
}

/// Starts the job and waits until the first file is done and the second is under way: the plain
/// progress line says so.
fn under_way(tree: &Tree, args: &[&str]) -> Running {
    let args = [&["-a", "sha256", "-j", "2", "-o", "sums"], args].concat();
    let mut running = Running::start(tree.checksum(&args));
    running.until_it_says(&["checksum: 1 of 2 files"]);
    running
}

/// The report says who stopped it and where that was decided, and what was done is kept.
#[track_caller]
fn assert_stopped(tree: &Tree, ended: &Ended, code: i32, reason: &str, text: &str) -> Value {
    let report = match code {
        129.. => ended.assert_died_of(code - 128),
        _ => ended.assert_code(code),
    };
    let report = report.json();
    assert_eq!(report["status"], "cancelled");
    assert_eq!(report["exit_code"], code);
    assert_eq!(report["cause"]["reason"], reason);
    let why = report["cause"]["text"].as_str().unwrap();
    assert!(why.contains(text), "{why}");
    let place = report["cause"]["decided_at"].as_str().unwrap();
    assert!(
        place.starts_with("examples/src/bin/checksum/stop.rs:"),
        "{place}"
    );
    assert_eq!(report["done"]["files"], 1);
    assert_eq!(report["done"]["bytes"], 3);
    assert_eq!(report["left"]["files"], 1);
    assert_eq!(report["left"]["bytes"], 1_u64 << 40);
    assert_eq!(report["left_is_exact"], true);
    assert_eq!(report["threads_left_behind"], 0);
    let sums = fs::read_to_string(tree.path("sums")).unwrap();
    assert_eq!(sums.lines().count(), 1, "{sums}");
    #[cfg(target_os = "linux")]
    tree.assert_sha256sum_accepts(&tree.path("sums"));
    report
}

// R33
#[test]
fn ctrl_c_asks_and_the_report_follows() {
    let tree = endless();
    let ended = under_way(&tree, &["--json"]).signal("INT").end();
    let report = assert_stopped(&tree, &ended, 130, "signal", "SIGINT received");
    assert_eq!(report["cause"]["signal"], "SIGINT");
}

// R33
#[test]
fn sigterm_stops_it_as_well() {
    let tree = endless();
    let ended = under_way(&tree, &["--json"]).signal("TERM").end();
    let report = assert_stopped(&tree, &ended, 143, "signal", "SIGTERM received");
    assert_eq!(report["cause"]["signal"], "SIGTERM");
}

// R20, R21: the time is up before the first line is due to be written, so this one is written after
// the cancel. On a busy machine it may be up before anything is done, and that is right too.
#[test]
fn the_time_limit_stops_it() {
    let tree = endless();
    let ended = Ended::of(tree.checksum(&["-o", "sums", "--json", "--timeout", "500ms"]));
    let report = ended.assert_code(124).json();
    assert_eq!(report["status"], "cancelled");
    assert_eq!(report["cause"]["reason"], "timed_out");
    let why = report["cause"]["text"].as_str().unwrap();
    assert_eq!(why, "timed out (limit 500 ms)");
    let sums = fs::read_to_string(tree.path("sums")).unwrap();
    assert_eq!(report["done"]["files"], sums.lines().count());
}

// R30
#[test]
fn the_stop_file_stops_it() {
    let tree = endless();
    let mut running = under_way(&tree, &["--json", "--stop-file", "stop"]);
    File::create(tree.path("stop")).unwrap();
    assert_stopped(&tree, &running.end(), 75, "condition", "stop exists");
}

// R20: a limit of zero does not begin the work.
#[test]
fn no_time_at_all_is_enough_for_nothing() {
    let tree = endless();
    let ended = Ended::of(tree.checksum(&["--timeout", "0s"]));
    ended
        .assert_code(124)
        .assert_says("timed out")
        .assert_says("0 files");
    assert_eq!(ended.lines(), [""; 0]);
}

// R20: an overflowing limit means never.
#[test]
fn a_limit_beyond_the_clock_is_none() {
    let tree = Tree::new();
    tree.file("a", "abc");
    Ended::of(tree.checksum(&["--timeout", "500000000000 years"])).assert_code(0);
}

#[test]
fn the_first_of_several_stops_it() {
    let tree = endless();
    let args = ["--json", "--timeout", "1h", "--stop-file", "never"];
    let ended = under_way(&tree, &args).signal("TERM").end();
    assert_stopped(&tree, &ended, 143, "signal", "SIGTERM received");
}

// The progress line waited for has the number of files in it.
#[test]
fn the_output_is_not_one_of_the_files_that_are_left() {
    let tree = endless();
    let mut running = Running::start(tree.checksum(&["-j", "2", "-o", "tree/sums", "--json"]));
    let report = running
        .until_it_says(&["checksum: 1 of 2 files"])
        .signal("INT")
        .end()
        .json();
    assert_eq!(report["left"]["files"], 1);
}

#[test]
fn the_report_for_people_says_the_same() {
    let tree = endless();
    let ended = under_way(&tree, &[]).signal("INT").end();
    ended
        .assert_died_of(2)
        .assert_says("cancelled after")
        .assert_says("SIGINT received")
        .assert_says("done     1 file, 3 B")
        .assert_says("left     1 file, 1.00 TiB");
    // The source location of the request is of no use to the users of the program.
    assert!(!ended.stderr.contains(".rs"), "{}", ended.stderr);
}

#[test]
fn lines_arrive_on_a_pipe_while_the_job_goes_on() {
    let tree = endless();
    let mut running = Running::start(tree.checksum(&["-j", "2"]));
    running.until_it_prints("  tree/first");
    running.signal("INT").end().assert_died_of(2);
}

// R33: what was ignored when the program was started stays ignored, as under nohup.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_so() {
    let tree = endless();
    let program = crate::kit::bin!("checksum");
    let line = format!("trap '' INT; exec '{program}' tree -j 2 -a sha256 -o sums --json");
    let mut running = Running::start(tree.command("sh", &["-c", &line]));
    running
        .until_it_says(&["checksum: 1 of 2 files"])
        .signal("INT")
        .signal("TERM");
    assert_stopped(&tree, &running.end(), 143, "signal", "SIGTERM received");
}
