//! A running program, whose lines a test reads and to which it sends signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use crate::kit::Ended;

/// A program that is at work.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stdin,
            stdout,
            stderr,
            said: String::new(),
        }
    }

    /// Waits until a line on standard error contains one of these.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, texts: &[&str]) -> &mut Self {
        let mut line = String::new();
        while !texts.iter().any(|text| line.contains(text)) {
            line.clear();
            let length = self.stderr.read_line(&mut line).unwrap();
            assert_ne!(
                length, 0,
                "it ended without saying any of {texts:?}: {}",
                self.said
            );
            self.said += &line;
        }
        self
    }

    /// Writes to its standard input, which the command has as a pipe.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> &mut Self {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        self
    }

    /// Ends its standard input. One that it has as a pipe stays open until then.
    pub(crate) fn stop_feeding(&mut self) -> &mut Self {
        self.stdin = None;
        self
    }

    /// Waits until a line on standard error is one that `find` finds something in.
    #[track_caller]
    pub(crate) fn until_it_says_what<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let mut line = String::new();
        loop {
            line.clear();
            let length = self.stderr.read_line(&mut line).unwrap();
            assert_ne!(length, 0, "it ended without saying it: {}", self.said);
            self.said += &line;
            if let Some(found) = find(&line) {
                return found;
            }
        }
    }

    /// Waits until a line on standard output contains this.
    #[track_caller]
    pub(crate) fn until_it_prints(&mut self, text: &str) -> &mut Self {
        let stdout = self.stdout.as_mut().unwrap();
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                stdout.read_line(&mut line).unwrap(),
                0,
                "it ended without printing {text}"
            );
        }
        self
    }

    /// Waits until the pipe of its standard output, which nobody reads, is full. No number of whole
    /// lines of one length that does not divide the pipe's fills it to the last byte, so a write is
    /// under way then and hangs.
    #[cfg(target_os = "linux")]
    pub(crate) fn until_a_write_hangs(&mut self) -> &mut Self {
        loop {
            // Said every second.
            self.until_it_says(&["checksum: "]);
            if self.is_full() {
                return self;
            }
        }
    }

    /// Waits until the pipe of its standard output, which nobody reads, is full, for a program that
    /// has more to write than fits into it. The pages of a pipe need not be filled to the last byte: it
    /// is full too when most of it is and no more comes.
    #[cfg(target_os = "linux")]
    pub(crate) fn until_it_is_full(&mut self) -> &mut Self {
        let size = self.pipe_size();
        let (mut before, mut unchanged) = (0, 0_u32);
        // Ends: the program has more to write than fits.
        while before < size && unchanged < 500_000 {
            let held = self.held();
            unchanged = match held == before && held > size / 2 {
                true => unchanged + 1,
                false => 0,
            };
            before = held;
            std::thread::yield_now();
        }
        self
    }

    #[cfg(target_os = "linux")]
    fn held(&self) -> u64 {
        let pipe = self.stdout.as_ref().unwrap().get_ref();
        rustix::io::ioctl_fionread(pipe).unwrap()
    }

    #[cfg(target_os = "linux")]
    fn pipe_size(&self) -> u64 {
        let pipe = self.stdout.as_ref().unwrap().get_ref();
        rustix::pipe::fcntl_getpipe_size(pipe).unwrap() as u64
    }

    #[cfg(target_os = "linux")]
    fn is_full(&self) -> bool {
        self.held() == self.pipe_size()
    }

    /// Closes the reading end of its standard output.
    pub(crate) fn stop_listening(&mut self) -> &mut Self {
        self.stdout = None;
        self
    }

    /// Sends a signal by its name, such as INT.
    pub(crate) fn signal(&mut self, name: &str) -> &mut Self {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        self
    }

    /// Waits for the end. The content of the pipes is read first, so that no write hangs.
    pub(crate) fn end(&mut self) -> Ended {
        let mut stdout = Vec::new();
        std::thread::scope(|threads| {
            if let Some(pipe) = &mut self.stdout {
                threads.spawn(|| pipe.read_to_end(&mut stdout).unwrap());
            }
            self.stderr.read_to_string(&mut self.said).unwrap();
        });
        let status = self.child.wait().unwrap();
        Ended {
            status,
            stdout,
            stderr: self.said.clone(),
        }
    }

    /// Waits for the end and leaves what it writes to standard output in the pipe.
    pub(crate) fn end_unread(&mut self) -> Ended {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        Ended {
            status,
            stdout: Vec::new(),
            stderr: self.said.clone(),
        }
    }
}

/// A test that failed must not leave a program at work behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
