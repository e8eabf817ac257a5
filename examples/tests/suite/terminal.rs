//! What a person sees on a terminal.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::kit::Tree;

/// A program whose standard error is a terminal.
struct Watched {
    child: Child,
    terminal: File,
    seen: String,
}

impl Watched {
    fn start(mut command: Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        unlockpt(&terminal).unwrap();
        command.stderr(ioctl_tiocgptpeer(&terminal, flags).unwrap());
        // The command goes with its end of the terminal, which has to be closed for ours to end.
        let child = command.spawn().unwrap();
        Self {
            child,
            terminal: File::from(terminal),
            seen: String::new(),
        }
    }

    /// Whether there was more to see. A terminal that nobody holds any more fails to read.
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

    /// How it ended, and all that was seen.
    fn end(mut self) -> (ExitStatus, String) {
        while self.look() {}
        let status = self.child.wait().unwrap();
        (status, std::mem::take(&mut self.seen))
    }
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
    let report = seen.find("checksum: cancelled after").expect("a report");
    assert!(
        !seen[report..].contains("0/1 files"),
        "the bar is gone: {seen}"
    );
    assert_eq!(seen.matches(": SIGINT received").count(), 1, "{seen}");
}

#[test]
fn nothing_is_drawn_for_who_wants_quiet() {
    let tree = Tree::new();
    tree.file("a", "abc");
    let (status, seen) = Watched::start(tree.checksum(&["-q", "-o", "SUMS"])).end();
    assert_eq!((status.code(), seen.as_str()), (Some(0), ""));
}
