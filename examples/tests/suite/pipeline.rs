//! The errors of `pipeline`: lines that are not records, files that cannot be read or written, runs that cannot
//! be resumed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::kit::{Ended, Tree, bin, runtime};
use crate::running::Running;

/// `pipeline input -o output` with these arguments, on an input of this content.
fn on(tree: &Tree, input: impl AsRef<[u8]>, args: &[&str]) -> Ended {
    fs::write(tree.path("input"), input).unwrap();
    Ended::of(pipeline(tree, &[&["input", "-o", "output"], args].concat()))
}

fn pipeline(tree: &Tree, args: &[&str]) -> Command {
    tree.command(bin!("pipeline"), args)
}

fn text(tree: &Tree, name: &str) -> String {
    fs::read_to_string(tree.path(name)).unwrap()
}

fn lines(tree: &Tree, name: &str) -> Vec<Value> {
    let text = text(tree, name);
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn records_are_normalised_in_their_order() {
    let tree = Tree::new();
    let input = "{\"method\":\"get\",\"ip\":\"192.0.2.1\"}\r\n\n{\"path\":\"/a?b\"}";
    let report = on(&tree, input, &["--json", "-f", "ip"])
        .assert_code(0)
        .json();
    let output = lines(&tree, "output");
    assert_eq!(output[0]["method"], "GET");
    assert_eq!(output[0]["ip"].as_str().unwrap().len(), 32);
    assert_eq!(output[1], json!({"path": "/a", "query": "b", "line": 3}));
    assert_eq!(output.len(), 2);
    assert_eq!(report["status"], "completed");
    assert_eq!(report["runtime"], runtime());
    assert_eq!(
        report["done"],
        json!({"lines": 3, "bytes": input.len(), "written": 2, "rejected": 0, "empty": 1})
    );
    assert_eq!(report["left"], Value::Null);
}

#[test]
fn it_is_a_filter_between_pipes() {
    let tree = Tree::new();
    let mut command = pipeline(&tree, &[]);
    command.stdin(Stdio::piped());
    let ended = Running::start(command)
        .feed(b"{\"status\":\"200\"}\n")
        .stop_feeding()
        .end();
    assert_eq!(
        ended.assert_code(0).lines(),
        [r#"{"line":1,"status":200,"status_class":"2xx"}"#]
    );
    ended.assert_says("pipeline: completed");
}

#[test]
fn an_empty_input_is_done_at_once() {
    let tree = Tree::new();
    on(&tree, "", &[])
        .assert_code(0)
        .assert_says("done     0 lines, 0 B");
    assert_eq!(lines(&tree, "output"), [Value::Null; 0]);
    on(&tree, "", &["--resume"]).assert_code(0);
}

#[test]
fn a_line_that_is_no_record_is_named_counted_and_kept_apart() {
    let tree = Tree::new();
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    let input = [
        b"{\"a\":1}\n{\"a\":\n[]\n{\"a\":\"\xff\"}\n",
        long.as_bytes(),
        b"\n{\"a\":2}\n",
    ]
    .concat();
    let args = ["--rejects", "bad", "--max-line", "1000"];
    on(&tree, &input, &args)
        .assert_code(1)
        .assert_says("pipeline: line 2: not JSON at column ")
        .assert_says("pipeline: line 3: no JSON object")
        .assert_says("pipeline: line 4: not UTF-8 at byte 6")
        .assert_says("pipeline: line 5: longer than 1000 bytes")
        .assert_says("2 written, 4 rejected");
    assert_eq!(
        lines(&tree, "output"),
        [json!({"a": 1, "line": 1}), json!({"a": 2, "line": 6})]
    );
    let bad = lines(&tree, "bad");
    assert_eq!(
        bad[1],
        json!({"line": 3, "offset": 14, "length": 2, "error": "no JSON object", "text": "[]"})
    );
    assert_eq!(bad[3]["length"], long.len());
    on(&tree, &input, &[&args[..], &["--skip-bad", "-q"]].concat()).assert_code(0);
}

#[test]
fn many_bad_lines_are_counted_and_not_all_named() {
    let tree = Tree::new();
    let ended = on(&tree, "?\n".repeat(1000), &[]);
    ended
        .assert_code(1)
        .assert_says("line 100: not JSON at column 1 (the last one that is named)");
    assert!(!ended.stderr.contains("line 101"), "{}", ended.stderr);
    ended.assert_says("1,000 rejected");
}

// R20: a limit of zero does not begin the work.
#[test]
fn r20_no_time_at_all_is_enough_for_nothing() {
    let tree = Tree::new();
    on(&tree, "{}\n{}\n", &["--timeout", "0s"])
        .assert_code(124)
        .assert_says("pipeline: stopped after 0.0 s: timed out (limit ")
        .assert_says("left     6 B\n")
        .assert_says("resume   with --resume, after line 0, byte 0");
    on(&tree, "{}\n{}\n", &["--resume", "-q"]).assert_code(0);
    assert_eq!(lines(&tree, "output").len(), 2);
}

// R21: the limit of a record is not that of the run.
#[test]
fn r21_a_record_that_takes_too_long_is_rejected_and_the_others_are_not() {
    let tree = Tree::new();
    on(
        &tree,
        "{}\n{}\n",
        &["--record-timeout", "0s", "--timeout", "1h"],
    )
    .assert_code(1)
    .assert_says("line 1: took longer than 0ns")
    .assert_says("pipeline: completed")
    .assert_says("0 written, 2 rejected");
    on(
        &tree,
        "{}\n{}\n",
        &["--record-timeout", "1h", "--rate", "1000000"],
    )
    .assert_code(0);
    assert_eq!(lines(&tree, "output").len(), 2);
}

#[test]
fn r41_what_is_done_at_ctrl_c_is_written() {
    let tree = Tree::new();
    let mut command = pipeline(&tree, &["-o", "output", "-v", "--json"]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    running
        .feed(b"{\"a\":1}\n{\"a\":2}\n{\"a\"")
        .until_it_says(&["2 lines done, 16 bytes"]);
    let report = running.signal("INT").end().assert_died_of(2).json();
    assert_eq!(report["status"], "stopped");
    assert_eq!(report["cause"]["signal"], "SIGINT");
    assert_eq!(report["done"]["written"], 2);
    // It is a pipe, so nobody knows.
    assert_eq!(report["left"], Value::Null);
    assert_eq!(lines(&tree, "output").len(), 2);
    let report = on(
        &tree,
        "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n",
        &["--resume", "--json"],
    )
    .assert_code(0)
    .json();
    assert_eq!(report["now"]["lines"], 1);
    assert_eq!(report["done"]["lines"], 3);
}

#[test]
fn a_complete_run_resumes_with_what_the_input_has_grown_by() {
    let tree = Tree::new();
    on(&tree, "{}\n", &[]).assert_code(0);
    for (input, count) in [("{}\n", 1), ("{}\n{}\n{}", 3), ("{}\n{}\n{}", 3)] {
        on(&tree, input, &["--resume"]).assert_code(0);
        assert_eq!(lines(&tree, "output").len(), count);
    }
}

#[test]
fn what_cannot_be_resumed_is_said_and_nothing_is_touched() {
    let tree = Tree::new();
    let begin = || {
        on(&tree, "{\"a\":1}\n{\"a\":2}", &["--restart", "-f", "a"])
            .assert_code(0)
            .status
    };
    let refused = |input: &str, args: &[&str], why: &str| {
        let before = fs::read(tree.path("output")).unwrap();
        on(&tree, input, &[&["--resume"], args].concat())
            .assert_code(65)
            .assert_says(why)
            .assert_says("output.checkpoint");
        assert_eq!(fs::read(tree.path("output")).unwrap(), before);
    };
    begin();
    refused(
        "{\"a\":7}\n{\"a\":2}",
        &["-f", "a"],
        "the first 15 bytes of the input are not what they were",
    );
    refused(
        "{\"a\":1}\n",
        &["-f", "a"],
        "the input ends at byte 8, and 15 were done",
    );
    refused(
        "{\"a\":1}\n{\"a\":2}\n",
        &["-f", "a"],
        "had no newline, and goes on now",
    );
    refused("{\"a\":1}\n{\"a\":2}", &[], "--field was another");
    refused(
        "{\"a\":1}\n{\"a\":2}",
        &["-f", "a", "--salt", "x"],
        "--salt was another",
    );
    fs::write(tree.path("output"), "short").unwrap();
    refused(
        "{\"a\":1}\n{\"a\":2}",
        &["-f", "a"],
        "output has 5 bytes, and ",
    );
    begin();
    fs::write(tree.path("output.checkpoint"), "{").unwrap();
    refused("{\"a\":1}\n{\"a\":2}", &["-f", "a"], "it is no checkpoint");
    fs::remove_file(tree.path("output.checkpoint")).unwrap();
    refused(
        "{\"a\":1}\n{\"a\":2}",
        &["-f", "a"],
        "it is not there, and the output is not empty",
    );
}

#[test]
fn a_run_that_has_not_ended_is_not_begun_anew_by_accident() {
    let tree = Tree::new();
    let mut command = pipeline(&tree, &["-o", "output", "-v"]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.feed(b"{}\n").until_it_says(&["1 lines done"]);
    running.signal("INT").end().assert_died_of(2);
    on(&tree, "{}\n", &[])
        .assert_code(1)
        .assert_says("go on with --resume, or begin anew with --restart");
    on(&tree, "{}\n", &["--restart"]).assert_code(0);
    on(&tree, "{}\n", &[]).assert_code(0);
    assert_eq!(lines(&tree, "output").len(), 1);
}

#[test]
fn the_output_is_as_it_was_until_there_is_something_to_write() {
    let tree = Tree::new();
    fs::write(tree.path("output"), "old\n").unwrap();
    let ended = on(&tree, "{}\n", &["--timeout", "0s"]);
    ended.assert_code(124);
    assert!(!ended.stderr.contains("--resume"), "{}", ended.stderr);
    assert_eq!(text(&tree, "output"), "old\n");
    on(&tree, "", &["--resume"]).assert_code(65);
    assert_eq!(text(&tree, "output"), "old\n");
    on(&tree, "{}\n", &[]).assert_code(0);
    assert_eq!(lines(&tree, "output").len(), 1);
}

/// The earlier content of an open file stays there, and no file is made beside its number.
#[cfg(target_os = "linux")]
#[test]
fn an_open_file_by_its_number_is_gone_on_with() {
    let tree = Tree::new();
    fs::write(tree.path("input"), "{}\n").unwrap();
    let program = bin!("pipeline");
    let line = format!("{{ echo begun; '{program}' input -q -o /dev/stdout; }} >all");
    Ended::of(tree.command("sh", &["-c", &line])).assert_code(0);
    let all = text(&tree, "all");
    assert!(all.starts_with("begun\n{"), "{all}");
    assert!(!Path::new("/dev/stdout.checkpoint").exists());
}

#[test]
fn files_that_cannot_be_used_are_refused_before_anything_is_read() {
    let tree = Tree::new();
    fs::write(tree.path("input"), "{}\n").unwrap();
    fs::write(tree.path("old.checkpoint"), "{}\n").unwrap();
    fs::hard_link(tree.path("old.checkpoint"), tree.path("hard")).unwrap();
    symlink("both", tree.path("link")).unwrap();
    for (args, code, why) in [
        (&["nowhere", "-o", "output"][..], 1, "nowhere: No such file"),
        (&["tree", "-o", "output"], 1, "tree: is a directory"),
        (
            &["input", "-o", "no/such/directory"],
            1,
            "no/such/directory: No such file",
        ),
        (&["input", "-o", "input"], 1, "input is the input"),
        (
            &["input", "-o", "output", "--rejects", "./input"],
            1,
            "./input is the input",
        ),
        (
            &["input", "-o", "both", "--rejects", "both"],
            1,
            "are one file",
        ),
        (
            &["input", "-o", "both", "--rejects", "link"],
            1,
            "link: the output and the rejects are one file",
        ),
        (
            &["old.checkpoint", "-o", "old"],
            1,
            "old.checkpoint is the input",
        ),
        (
            &["input", "-o", "hard", "--rejects", "old.checkpoint"],
            1,
            "the output and the rejects are one file",
        ),
        (
            &["input", "-o", "/dev/null", "--resume"],
            1,
            "/dev/null is no file that could be resumed",
        ),
        (&["input", "--resume"], 2, "--output"),
    ] {
        Ended::of(pipeline(&tree, args))
            .assert_code(code)
            .assert_says(why);
    }
    assert_eq!(fs::read_to_string(tree.path("input")).unwrap(), "{}\n");
}

#[test]
fn two_runs_do_not_write_one_output() {
    let tree = Tree::new();
    let mut command = pipeline(&tree, &["-o", "output", "-v"]);
    command.stdin(Stdio::piped());
    let mut first = Running::start(command);
    first.until_it_says(&["0 lines done"]);
    on(&tree, "{}\n", &["--resume"])
        .assert_code(1)
        .assert_says("another run is writing it");
    first.stop_feeding().end().assert_code(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run() {
    let tree = Tree::new();
    fs::write(tree.path("input"), "{}\n").unwrap();
    Ended::of(pipeline(&tree, &["input", "-o", "/dev/full"]))
        .assert_code(1)
        .assert_says("/dev/full: No space left");
}

/// The shell's limit on the length of files stands for a disk that is full. The output that was written before is
/// complete, and counts: with more room the run goes on.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_grow_is_resumed_when_it_can() {
    let tree = Tree::new();
    let input = "{\"a\":\"0123456789012345678901234567890123456789\"}\n".repeat(1000);
    fs::write(tree.path("input"), &input).unwrap();
    let program = bin!("pipeline");
    let line = format!("trap '' XFSZ; ulimit -f 8; exec '{program}' input -o output --every 10");
    Ended::of(tree.command("sh", &["-c", &line]))
        .assert_code(1)
        .assert_says("output: File too large");
    let part = lines(&tree, "output").len();
    assert!((1..1000).contains(&part), "{part}");
    on(&tree, &input, &["--resume"]).assert_code(0);
    assert_eq!(lines(&tree, "output").len(), 1000);
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let tree = Tree::new();
    let mut command = pipeline(&tree, &[]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    let ended = running.stop_listening().feed(b"{}\n").end();
    ended
        .assert_code(1)
        .assert_says("standard output: Broken pipe");
}

// R23: the second signal ends the grace in which the last write is awaited.
#[cfg(target_os = "linux")]
#[test]
fn r23_the_second_signal_does_not_wait_for_a_write_that_hangs() {
    let tree = Tree::new();
    fs::write(tree.path("input"), "{\"method\":\"get\"}\n".repeat(100_000)).unwrap();
    let mut running = Running::start(pipeline(&tree, &["input"]));
    running.until_it_is_full().signal("INT");
    running
        .until_it_says(&["waiting for a write that hangs"])
        .signal("TERM");
    running
        .end_unread()
        .assert_died_of(2)
        .assert_says("pipeline: stopped after ")
        .assert_says(": SIGINT received")
        .assert_says("hanging  a write, not waited for any longer");
}

#[test]
fn the_help_names_every_exit_code() {
    let tree = Tree::new();
    let help = Ended::of(pipeline(&tree, &["--help"]))
        .assert_code(0)
        .lines()
        .join("\n");
    for code in [0, 1, 2, 65, 124, 130, 143] {
        assert!(
            help.contains(&format!("\n{code:>5}  ")),
            "no {code} in {help}"
        );
    }
}
