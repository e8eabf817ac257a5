//! A server in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A key of 128 bits.
pub(crate) const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";

/// The limit for reads that should return at once, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    process: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    /// Starts a server on a free port, and waits until it listens.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_server"))
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut server = Self {
            process,
            log,
            address: String::new(),
        };
        let line = server.wait_for("listening on http://");
        server.address = line.trim().rsplit('/').next().unwrap().to_owned();
        server
    }

    /// Waits for a line of the log with this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut before = String::new();
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "the log ended without {text:?}:\n{before}");
            if line.contains(text) {
                return line;
            }
            before += &line;
        }
    }

    /// Connects, and sends a request.
    pub(crate) fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Sends a request, and returns its response.
    pub(crate) fn ask(&self, request: &str) -> String {
        read(&mut self.send(request))
    }

    /// Waits until an operation with this name runs.
    pub(crate) fn wait_for_operation(&self, name: &str) {
        while !self.runs(name) {}
    }

    /// Waits until no operation with this name runs.
    pub(crate) fn wait_for_end_of(&self, name: &str) {
        while self.runs(name) {}
    }

    fn runs(&self, name: &str) -> bool {
        let operations = self.ask(&get("/operations"));
        operations.contains(&format!("{name}: running"))
            || operations.contains(&format!("{name}: cancel"))
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT. A second SIGTERM within 100 ms would be the same stop request as the first.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits for the end of the server, which has to be by the signal that stopped it, and returns its report.
    pub(crate) fn drained(mut self) -> String {
        let mut report = String::new();
        let mut output = self.process.stdout.take().unwrap();
        output.read_to_string(&mut report).unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status}");
        assert!(
            report.starts_with("Drained: stopped (SIGTERM received): "),
            "{report}"
        );
        report
    }

    /// Stops a server that has no requests whose client waits.
    pub(crate) fn stop_cleanly(mut self) {
        self.terminate();
        self.wait_for("the server stops");
        // The second signal skips the unready phase.
        self.interrupt();
        let report = self.drained();
        // A handler whose request was answered at its deadline may have been in its grace, and has finished.
        assert!(
            report.ends_with(" finished, 0 cancelled, 0 cut, 0 refused\n"),
            "{report}"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves no process behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request without a body, on a connection of its own.
pub(crate) fn get(path: &str) -> String {
    request("GET", path, "")
}

pub(crate) fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n")
}

/// Reads until the server closes the connection.
pub(crate) fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the text appears.
pub(crate) fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(text.as_bytes()) {
        let read = stream.read(&mut byte).unwrap();
        assert!(
            read > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
