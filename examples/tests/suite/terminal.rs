//! The output of the programs on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::kit::{Tree, bin};

/// A program on a terminal.
struct Watched {
    child: Child,
    terminal: File,
    seen: String,
}

impl Watched {
    /// With its standard error there.
    fn start(mut command: Command) -> Self {
        let (terminal, end) = pair();
        command.stderr(end);
        Self::spawn(command, terminal)
    }

    /// With all three there.
    fn start_inside(mut command: Command) -> Self {
        let (terminal, end) = pair();
        command.stdin(end.try_clone().unwrap());
        command.stdout(end.try_clone().unwrap());
        command.stderr(end);
        Self::spawn(command, terminal)
    }

    fn spawn(mut command: Command, terminal: OwnedFd) -> Self {
        // The command goes with its end of the terminal, which has to be closed for ours to end.
        let child = command.spawn().unwrap();
        Self {
            child,
            terminal: File::from(terminal),
            seen: String::new(),
        }
    }

    /// Closes the terminal, as who closes its window does.
    fn close(mut self) -> ExitStatus {
        self.terminal = File::open("/dev/null").unwrap();
        self.child.wait().unwrap()
    }

    /// Returns the exit status of a program whose terminal is not read any more.
    fn end_unread(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Returns whether there was more output. A terminal that nobody holds any more fails to read.
    fn look(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let count = self.terminal.read(&mut buffer).unwrap_or(0);
        self.seen += &String::from_utf8_lossy(&buffer[..count]);
        count > 0
    }

    #[track_caller]
    fn until_it_shows(&mut self, text: &str) -> &mut Self {
        while !self.seen.contains(text) {
            assert!(self.look(), "no {text:?} in {}", self.seen);
        }
        self
    }

    fn signal(&mut self, signal: Signal) -> &mut Self {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self
    }

    /// Returns the exit status and the whole output.
    fn end(mut self) -> (ExitStatus, String) {
        while self.look() {}
        let status = self.child.wait().unwrap();
        (status, std::mem::take(&mut self.seen))
    }
}

/// A terminal of 80 columns, and the end of it that a program has.
fn pair() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = openpt(flags).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let end = ioctl_tiocgptpeer(&terminal, flags).unwrap();
    (terminal, end)
}

/// A test that failed must not leave a program at work behind.
impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn r38_a_terminal_shows_the_bytes_and_the_files_of_the_scope() {
    let tree = Tree::new();
    tree.huge("huge");
    let mut watched = Watched::start(tree.checksum(&["-o", "SUMS"]));
    watched
        .until_it_shows("checksum ")
        .until_it_shows("B/1.00 TiB ")
        .until_it_shows("B/s, ")
        .until_it_shows(" left  0/1 files")
        .signal(Signal::INT);
    let (status, seen) = watched.end();
    assert_eq!(status.signal(), Some(2), "{seen}");
    // Before the report, the bar may say the reason as well.
    let report = seen.find("checksum: cancelled after").expect("a report");
    let report = &seen[report..];
    assert!(!report.contains("0/1 files"), "the bar is gone: {seen}");
    assert_eq!(report.matches(": SIGINT received").count(), 1, "{seen}");
}

#[test]
fn nothing_is_drawn_for_who_wants_quiet() {
    let tree = Tree::new();
    tree.file("a", "abc");
    let (status, seen) = Watched::start(tree.checksum(&["-q", "-o", "SUMS"])).end();
    assert_eq!((status.code(), seen.as_str()), (Some(0), ""));
}

fn monitor() -> Watched {
    let tree = Tree::new();
    let mut watched = Watched::start_inside(tree.command(bin!("monitor"), &[]));
    watched.until_it_shows("ended last");
    watched
}

// It must not go round for ever in a read that has nothing to wait for.
#[test]
fn the_monitor_ends_when_its_terminal_is_gone() {
    assert_eq!(monitor().close().code(), Some(1));
}

#[test]
fn r33_the_monitor_ends_for_two_signals_whatever_its_terminal_does() {
    let mut halted = monitor();
    // Nothing of it is read from here on, and it writes ten times a second.
    halted.signal(Signal::TERM).signal(Signal::TERM);
    assert_eq!(halted.end_unread().signal(), Some(15));
}

#[test]
fn the_monitor_is_left_by_a_key() {
    let mut watched = monitor();
    watched.terminal.write_all(b"q").unwrap();
    let (status, seen) = watched.end();
    assert_eq!(status.code(), Some(0), "{seen}");
    // The screen is given back, and the last line is on it.
    let (_, after) = seen.rsplit_once("\u{1b}[?1049l").unwrap();
    let operations = after.split_once("monitor: ").unwrap().1;
    let (begun, ends) = operations.split_once(" operations: ").unwrap();
    let count = |text: &str| text.replace(',', "").parse::<u32>().unwrap();
    let ended = ends
        .trim()
        .split(", ")
        .map(|end| count(end.split(' ').next().unwrap()));
    assert_eq!(ended.sum::<u32>(), count(begun), "{after}");
}
