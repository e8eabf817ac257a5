//! Rules for every program: its command line, and messages that cannot be written do not stop its work.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::kit::{Ended, Tree, bin};

/// A program, arguments with which it ends by itself, and the codes: where all goes well, and where
/// standard output takes nothing.
struct Case {
    name: &'static str,
    path: &'static str,
    args: &'static [&'static str],
    code: i32,
    code_unheard: i32,
}

macro_rules! case {
    ($name:literal, $args:expr, $code:expr, $unheard:expr) => {
        Case {
            name: $name,
            path: bin!($name),
            args: $args,
            code: $code,
            code_unheard: $unheard,
        }
    };
}

fn cases() -> [Case; 10] {
    [
        case!("checksum", &["tree"], 0, 1),
        case!("pipeline", &["records"], 1, 1),
        // Its exit code is the result.
        case!("retry", &["127.0.0.1:1", "--timeout", "10ms"], 124, 124),
        case!("transaction", &["books.db", "5"], 0, 1),
        case!("monitor", &["--once", "-n", "20"], 0, 1),
        case!("quickstart", &[], 124, 1),
        case!("library", &[], 0, 1),
        case!("migration", &[], 0, 1),
        case!("supervise", &["-v", "0.01", "sleep", "1000"], 124, 124),
        case!("init", &["/no/such/program"], 127, 127),
    ]
}

/// Something to read for all, of which each has something to say on standard error.
fn tree() -> Tree {
    let tree = Tree::new();
    tree.file("a", "abc");
    let made = Command::new("mkfifo").arg(tree.path("tree/fifo")).status();
    assert!(made.unwrap().success());
    fs::write(
        tree.path("records"),
        "{\"status\":200}\n{\"status\":1000}\n",
    )
    .unwrap();
    tree
}

impl Case {
    fn command(&self, tree: &Tree) -> Command {
        tree.command(self.path, self.args)
    }
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_message_that_cannot_be_printed_stops_nothing() {
    let tree = tree();
    for case in cases() {
        let heard = Ended::of(case.command(&tree));
        heard.assert_code(case.code);
        let unheard = case.command(&tree).stderr(full()).output().unwrap();
        assert_eq!(unheard.status.code(), Some(case.code), "{}", case.name);
        assert_eq!(
            unheard.stdout.iter().filter(|byte| **byte == b'\n').count(),
            heard.lines().len(),
            "{} prints less",
            case.name
        );
    }
}

#[test]
fn a_result_that_cannot_be_printed_is_a_failure_that_is_said() {
    let tree = tree();
    for case in cases() {
        let mut command = case.command(&tree);
        command.stdout(full());
        let ended = Ended::of_status(command);
        ended.assert_code(case.code_unheard);
        if case.code != case.code_unheard {
            ended.assert_says("standard output: No space left");
        }
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        // With nobody to hear of that either.
        let mut command = case.command(&tree);
        command.stdout(full()).stderr(full());
        let status = command.status().unwrap();
        assert_eq!(status.code(), Some(case.code_unheard), "{}", case.name);
    }
}

#[test]
fn every_program_has_help_and_a_version_and_refuses_what_it_does_not_know() {
    let tree = Tree::new();
    for case in cases() {
        let run = |arg: &str| Ended::of(tree.command(case.path, &[arg]));
        let help = run("--help").assert_code(0).lines().join("\n");
        assert!(help.contains("Usage: "), "{}: {help}", case.name);
        let version = run("--version").assert_code(0).lines();
        assert!(version[0].starts_with(case.name), "{version:?}");
        let refused = run("--no-such-option");
        refused.assert_says("--no-such-option");
        let wanted = match case.name {
            "supervise" | "init" => 125,
            _ => 2,
        };
        refused.assert_code(wanted);
        // The help was asked for, so it is the result.
        let mut command = tree.command(case.path, &["--help"]);
        command.stdout(full());
        let code = Ended::of_status(command).status.code();
        assert!(
            code == Some(1) || code == Some(125),
            "{}: {code:?}",
            case.name
        );
    }
    let left: Vec<_> = fs::read_dir(tree.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing was made: {left:?}");
}

#[test]
fn what_is_wrong_with_an_argument_is_said_with_it() {
    let tree = Tree::new();
    let command = tree.command(bin!("transaction"), &["books.db", "abc"]);
    Ended::of(command)
        .assert_code(2)
        .assert_says("'abc'")
        .assert_says("TRANSFERS");
    assert!(!tree.path("books.db").exists());
}

/// If standard output is non-blocking, the program waits for it.
#[test]
fn a_non_blocking_output_is_waited_for() {
    use rustix::fs::{OFlags, fcntl_setfl};
    use std::io::Read;
    let tree = Tree::new();
    // More lines than a pipe holds.
    for n in 0..1500 {
        tree.file(format!("{n:0200}"), "");
    }
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut command = tree.checksum(&["-q"]);
    command.stdout(Stdio::from(writer));
    let mut child = command.spawn().unwrap();
    // The command has the writer too, which must be closed for the end to be seen.
    drop(command);
    let full = rustix::pipe::fcntl_getpipe_size(&reader).unwrap() as u64;
    // It is full but for a part of a line, or so nearly that the next piece does not fit.
    while rustix::io::ioctl_fionread(&reader).unwrap() < full / 2 {
        std::thread::yield_now();
    }
    let mut read = String::new();
    File::from(reader).read_to_string(&mut read).unwrap();
    assert_eq!(read.lines().count(), 1500);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
