//! The programs that the tests start: this binary, with a name in its environment.

use std::env;
#[cfg(unix)]
use std::io::{BufRead, BufReader};
#[cfg(unix)]
use std::process::{Child, ChildStderr};
use std::process::{Command, Stdio};

const NAME: &str = "TROUBLESHOOTING_PROGRAM";

/// Not a test: the entry of the programs. Does nothing unless a program is named.
#[test]
fn program() {
    let Ok(name) = env::var(NAME) else { return };
    match name.as_str() {
        "not_closed" => crate::runtime_errors::not_closed(),
        "signals" => crate::runtime_errors::signals(),
        "dropped_run" => crate::async_code::dropped_run(),
        "logs" => crate::debugging::logs(),
        "commit" => crate::debugging::commit(),
        "spans" => crate::debugging::spans(),
        #[cfg(unix)]
        "dump" => crate::monitoring::dump(),
        #[cfg(target_os = "linux")]
        "process_1" => crate::process_1::without_a_handler(),
        #[cfg(target_os = "linux")]
        "process_1_watches" => crate::process_1::with_a_handler(),
        #[cfg(target_os = "linux")]
        "below_a_shell" => crate::process_1::below_a_shell(),
        "web" => crate::web::program(),
        other => panic!("no program {other}"),
    }
    std::process::exit(0);
}

/// Writes a line that the test reads.
#[allow(clippy::print_stderr, reason = "a test that is not heard has failed")]
pub(crate) fn say(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

/// A program that prints to standard error.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "programs::program", "--nocapture"]);
    command.env(NAME, name).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::piped());
    command
}

/// Runs a program with this filter for its log, and returns what it printed.
pub(crate) fn printed(name: &str, log: &str) -> String {
    let output = command(name).env("RUST_LOG", log).output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {printed}", output.status);
    printed
}

/// A program that runs while the test talks to it.
#[cfg(unix)]
pub(crate) struct Running {
    child: Child,
    said: BufReader<ChildStderr>,
}

#[cfg(unix)]
impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// The next line that the program prints; empty after its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, signal: &str) {
        let (signal, id) = (format!("-{signal}"), self.child.id().to_string());
        let status = Command::new("kill").args([signal, id]).status().unwrap();
        assert!(status.success());
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
