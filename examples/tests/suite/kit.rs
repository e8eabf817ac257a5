//! Trees of files to walk, and the programs as child processes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The path of one of the example programs of this package. The programs of one package carry the
/// runtime in their name; `bins!` knows both spellings.
macro_rules! bin {
    ($name:literal) => {
        match (
            option_env!(concat!("CARGO_BIN_EXE_", $name)),
            option_env!(concat!("CARGO_BIN_EXE_", $name, "-async-std")),
        ) {
            (Some(path), _) | (None, Some(path)) => path,
            (None, None) => panic!("this package has no program {}", $name),
        }
    };
}
pub(crate) use bin;

/// The runtime that this package's programs are to run on.
pub(crate) fn runtime() -> &'static str {
    env!("CARGO_PKG_NAME").strip_prefix("examples-").unwrap()
}

/// A directory that is removed at the end of the test, with a tree to hash in `tree`. The programs
/// run in it.
pub(crate) struct Tree {
    dir: TempDir,
}

/// So large that no machine hashes it in the time of a test, and it takes no room.
const HUGE: u64 = 1 << 40;

impl Tree {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("tree")).unwrap();
        Self { dir }
    }

    /// The path of something in the directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of the tree.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A file of the tree on which the program is still at work when it is stopped.
    pub(crate) fn huge(&self, name: &str) -> &Self {
        File::create(self.path("tree").join(name))
            .unwrap()
            .set_len(HUGE)
            .unwrap();
        self
    }

    /// `checksum tree` with these arguments, to be run in the directory.
    pub(crate) fn checksum(&self, args: &[&str]) -> Command {
        let mut command = self.command(bin!("checksum"), &["tree"]);
        command.args(args);
        command
    }

    pub(crate) fn command(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Whether GNU's tool finds every line of `list` right, of which there must be some.
    #[cfg(target_os = "linux")]
    pub(crate) fn assert_sha256sum_accepts(&self, list: &Path) {
        let lines = fs::read(list).unwrap();
        assert_eq!(lines.last(), Some(&b'\n'), "the last line is complete");
        let check = self
            .command("sha256sum", &["--strict", "-c"])
            .arg(list)
            .output()
            .unwrap();
        assert!(check.status.success(), "{check:?}");
    }
}

/// What a program that ended has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self {
            status: output.status,
            stdout: output.stdout,
            stderr,
        }
    }

    /// As [`of`](Self::of) for a command whose standard output goes elsewhere.
    #[cfg(unix)]
    pub(crate) fn of_status(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        Self {
            status: child.wait().unwrap(),
            stdout: Vec::new(),
            stderr,
        }
    }

    /// Checks the exit code, with everything that was printed in the message.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    /// Checks that standard error says this.
    #[track_caller]
    pub(crate) fn assert_says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in {}", self.stderr);
        self
    }

    /// Standard output as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

/// A program that is at work.
pub(crate) struct Running {
    child: Child,
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
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
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
            let pipe = self.stdout.as_ref().unwrap().get_ref();
            let held = rustix::io::ioctl_fionread(pipe).unwrap();
            if held == rustix::pipe::fcntl_getpipe_size(pipe).unwrap() as u64 {
                return self;
            }
        }
    }

    /// Closes the reading end of its standard output.
    pub(crate) fn stop_listening(&mut self) -> &mut Self {
        self.stdout = None;
        self
    }

    /// Sends a signal by its name, such as INT.
    #[cfg(unix)]
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

    /// Waits for the end. What is still in the pipes is read first, so that no write hangs.
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
