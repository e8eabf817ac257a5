//! Trees of files to walk, and the files and lines that an ended program has left.

use std::ffi::OsStr;
use std::fs;
#[cfg(unix)]
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The path of one of the example programs of this package. The programs of a package carry the runtime's name as
/// well.
macro_rules! bin {
    ($name:literal) => {
        match [
            option_env!(concat!("CARGO_BIN_EXE_", $name)),
            option_env!(concat!("CARGO_BIN_EXE_", $name, "-async-std")),
            option_env!(concat!("CARGO_BIN_EXE_", $name, "-smol")),
            option_env!(concat!("CARGO_BIN_EXE_", $name, "-thread")),
        ]
        .into_iter()
        .find_map(|path| path)
        {
            Some(path) => $crate::kit::placed(path),
            None => panic!("this package has no program {}", $name),
        }
    };
}
pub(crate) use bin;

/// Returns the path of the program that was built at `path`: in the folder that this variable names, if it is
/// set, for a user who may not read where it was built.
pub(crate) fn placed(path: &'static str) -> &'static str {
    let Some(folder) = std::env::var_os("CANCELABLE_PROGRAMS") else {
        return path;
    };
    let copy = Path::new(&folder).join(Path::new(path).file_name().unwrap());
    copy.into_os_string().into_string().unwrap().leak()
}

/// Has what is started from here on start with the default action of every signal, whatever this process was
/// started to ignore: a script's `&` has SIGINT and SIGQUIT ignored. A signal with a handler here has the default
/// action in the child; here it does what the default would.
#[cfg(unix)]
fn start_with_the_defaults() {
    use signal_hook::consts::*;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};

    // Not SIGPIPE: the standard library ignores it here, and starts others with its default.
    const SIGNALS: [i32; 12] = [
        SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGUSR1, SIGUSR2,
    ];
    static CAUGHT: Once = Once::new();
    CAUGHT.call_once(|| {
        for signal in SIGNALS {
            let always = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_default(signal, always).unwrap();
        }
    });
}

/// Returns whether a program can be started with these words as a prefix. If not, a line reports that the test is
/// left out.
#[cfg(target_os = "linux")]
pub(crate) fn can_start_by(words: &[&str]) -> bool {
    use std::io::Write;
    let tried = Command::new(words[0])
        .args(&words[1..])
        .arg("true")
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        // Past what captures the output of a test that passes.
        let line = format!("left out: nothing can be started by {words:?} here");
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    can
}

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
#[cfg(unix)]
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
    #[cfg(unix)]
    pub(crate) fn huge(&self, name: &str) -> &Self {
        fs::File::create(self.path("tree").join(name))
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
        #[cfg(unix)]
        start_with_the_defaults();
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Returns whether GNU's tool accepts every line of `list`, which must not be empty.
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

/// The output and the status of a program that has ended.
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

    /// Runs a command as [`of`](Self::of) does, with its standard output redirected.
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

    /// Checks that it died of this signal, which a shell sees and 128 and its number is not.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn assert_died_of(&self, number: i32) -> &Self {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(self.status.signal(), Some(number), "{self:?}");
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
