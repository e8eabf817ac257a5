//! `supervise` and `init` as jobs of a shell at a terminal: what the shell expects of a command holds
//! for the wrapper around it.
//!
//! Typed text stays in the terminal until it is read, and each test waits for printed text: no test depends on a
//! race. After a key that sends a signal the shell is waited for, because a read that the signal interrupts may
//! take what is typed next. Words that are waited for are typed in two parts, so that their echo is not taken for
//! them.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::kit::{Tree, bin};

/// Both, as a command begins with them.
fn wrappers() -> [String; 2] {
    [
        bin!("init").to_owned(),
        format!("{} 1000", bin!("supervise")),
    ]
}

/// A script that prints "ready" when it is in the foreground.
const READY: &str =
    "until set -- $(cut -d\\) -f2 /proc/$$/stat) && [ $3 = $6 ]; do :; done; echo re\"\"ady";

const PROMPT: &str = "what now? ";

/// An interactive shell that leads the session of a terminal.
struct Shell {
    child: Child,
    terminal: File,
    seen: String,
}

impl Shell {
    /// `None`, and a line that says so, where there is no such shell.
    fn start(tree: &Tree) -> Option<Self> {
        let shell = ["--ctty", "bash", "--norc", "--noprofile", "--noediting"];
        let tried = tree.command(
            "setsid",
            &["--wait", "bash", "-c", "setsid --help | grep -q ctty"],
        );
        if !{ tried }.status().is_ok_and(|status| status.success()) {
            let mut stderr = std::io::stderr();
            // Past what captures the output of a test that passes.
            let _ = writeln!(stderr, "left out: no setsid --ctty and no bash here");
            return None;
        }
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        unlockpt(&terminal).unwrap();
        let mut command = tree.command("setsid", &shell);
        command.arg("-i").env("PS1", PROMPT);
        let end = || Stdio::from(ioctl_tiocgptpeer(&terminal, flags).unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        Some(Self {
            child,
            terminal: File::from(terminal),
            seen: String::new(),
        })
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        self.terminal.write_all(keys.as_bytes()).unwrap();
        self
    }

    fn line(&mut self, line: &str) -> &mut Self {
        self.press(&format!("{line}\n"))
    }

    /// Waits for one of these, and forgets what was seen up to it. Its place in the list.
    #[track_caller]
    fn until_any(&mut self, texts: &[&str]) -> usize {
        loop {
            let found = texts.iter().enumerate();
            let found = found.filter_map(|(n, text)| Some((self.seen.find(text)? + text.len(), n)));
            if let Some((end, n)) = found.min() {
                self.seen.drain(..end);
                return n;
            }
            let mut buffer = [0; 4096];
            let count = self.terminal.read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "none of {texts:?} in {}", self.seen);
            self.seen += &String::from_utf8_lossy(&buffer[..count]);
        }
    }

    #[track_caller]
    fn until(&mut self, text: &str) -> &mut Self {
        self.until_any(&[text]);
        self
    }

    /// Waits until the last job is stopped.
    fn until_stopped(&mut self) -> &mut Self {
        loop {
            self.line("jobs; echo loo\"\"ked");
            if self.until_any(&["Stopped", "looked"]) == 0 {
                return self.until("looked");
            }
        }
    }
}

/// A test that failed must not leave a program at work behind.
impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn r33_a_wrapper_is_stopped_and_continued_as_its_command_would_be() {
    let tree = Tree::new();
    for wrapper in wrappers() {
        let Some(mut shell) = Shell::start(&tree) else {
            return;
        };
        let command = format!("{wrapper} sh -c '{READY}; read x; echo g\"\"ot $x; exit 3'");
        shell.line(&command).until("ready").press("\x1a");
        // The shell has the terminal, and the job.
        shell.until("Stopped");
        shell.line("read y; echo sh\"\"ell $y").line("has it");
        shell.until("shell has it");
        shell.line("fg").line("this").until("got this");
        shell.line("echo co\"\"de $?").until("code 3");
    }
}

#[test]
fn r33_a_read_in_the_background_stops_the_job_and_fg_gives_it_the_terminal() {
    let tree = Tree::new();
    for wrapper in wrappers() {
        let Some(mut shell) = Shell::start(&tree) else {
            return;
        };
        let command = format!("{wrapper} sh -c 'read x; echo g\"\"ot $x' &");
        shell.line(&command).until_stopped();
        shell.line("fg").line("this").until("got this");
        // A job that continues in the background.
        let command = format!("{wrapper} sh -c '{READY}; kill -STOP $$; echo we\"\"nt on'");
        shell.line(&command).until("ready").until("Stopped");
        shell.line("bg").until("went on");
        shell.line("wait; echo co\"\"de $?").until("code 0");
    }
}

#[test]
fn r33_in_a_pipeline_the_command_has_the_terminal_when_it_wants_it() {
    let tree = Tree::new();
    for wrapper in wrappers() {
        let Some(mut shell) = Shell::start(&tree) else {
            return;
        };
        let script = "read x; read y </dev/tty; echo g\"\"ot $x $y";
        shell.line(&format!("echo piped | {wrapper} sh -c '{script}'"));
        shell.line("typed").until("got piped typed");
        // One beside it in the pipeline reads from the terminal, and is not stopped by its own.
        let reader = "sh -c 'read y </dev/tty; read x; echo g\"\"ot $x $y'";
        shell.line(&format!("{wrapper} echo piped | {reader}"));
        shell.line("typed").until("got piped typed");
    }
}

#[test]
fn r28_the_terminal_is_given_back_for_the_next_read() {
    let tree = Tree::new();
    for wrapper in wrappers() {
        let Some(mut shell) = Shell::start(&tree) else {
            return;
        };
        for command in ["true", "sh -c \"kill -KILL \\$\\$\""] {
            shell.line(&format!(
                "sh -c '{wrapper} {command}; read x; echo g\"\"ot $x'"
            ));
            shell.line("this").until("got this");
        }
    }
}

#[test]
fn r33_ctrl_c_ends_the_loop_around_a_wrapper() {
    let tree = Tree::new();
    for wrapper in wrappers() {
        let Some(mut shell) = Shell::start(&tree) else {
            return;
        };
        let command = format!("{wrapper} sh script");
        std::fs::write(tree.path("script"), format!("{READY}; read x")).unwrap();
        let repeat = format!("while :; do {command}; done");
        std::fs::write(tree.path("loop"), &repeat).unwrap();
        for around in [&*repeat, "sh loop", "bash loop"] {
            shell.line(around).until("ready").press("\x03");
            assert_eq!(
                shell.until_any(&[PROMPT, "ready"]),
                0,
                "{around}: another turn"
            );
        }
    }
}

/// No clock of a program that is stopped ends it.
#[test]
fn r20_a_limit_is_reached_by_a_job_that_is_stopped() {
    let tree = Tree::new();
    let Some(mut shell) = Shell::start(&tree) else {
        return;
    };
    shell.line(&format!("{} 0.2 cat & job=$!", bin!("supervise")));
    shell.line("while kill -0 $job; do :; done; wait $job; echo co\"\"de $?");
    shell.until("code 124");
}
