//! The program with a server of its own, in a temporary folder and on a socket in it.
//!
//! Without PostgreSQL the test is left out, unless `CANCELABLE_POSTGRES=required`.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// PostgreSQL refuses to run as root. This is the number of `nobody`.
const NOBODY: u32 = 65534;

/// Returns the folder with the programs of PostgreSQL: Debian keeps `initdb` out of the PATH.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    folders.extend(versions.map(|version| version.unwrap().path().join("bin")));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file())
}

/// A server that is stopped at the end of the test.
struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let is_root = geteuid().is_root();
        if is_root {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command
                .current_dir(folder.path())
                .env("LC_ALL", "C")
                .stdin(Stdio::null());
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let made = command("initdb")
            .args([
                "-D",
                "data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut process = command("postgres")
            .args([
                "-D",
                "data",
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-k",
            ])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let mut lines = log.lines();
        while !said.contains("ready to accept connections") {
            said += &lines.next().expect(&said).unwrap();
            said += "\n";
        }
        // The server would be stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT: at once, with every process of the server.
        let process = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        let _ = kill_process(process, Signal::QUIT);
        let _ = self.process.wait();
    }
}

/// The line without how long it took, which depends on the machine.
fn timeless(line: &str) -> String {
    match line
        .split_once(" after ")
        .and_then(|(name, rest)| Some((name, rest.split_once(": ")?)))
    {
        Some((name, (_, why))) => format!("{name} after T: {why}"),
        None => line.to_owned(),
    }
}

#[test]
fn a_cancelled_query_ends_on_the_server_and_no_other_query_does() {
    let Some(programs) = programs() else {
        let required = std::env::var_os("CANCELABLE_POSTGRES").is_some();
        assert!(!required, "there is no PostgreSQL");
        // Past what captures the output of a test that passes.
        let line = "left out: no PostgreSQL here; Debian has it as the package postgresql";
        let _ = writeln!(std::io::stderr(), "{line}");
        return;
    };
    let server = Server::start(&programs);
    let address = format!("host={} user=postgres", server.folder.path().display());
    let ended = Command::new(env!("CARGO_BIN_EXE_database"))
        .arg(address)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let printed = String::from_utf8(ended.stdout).unwrap();

    let header = include_str!("../src/main.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let header = header
        .skip_while(|line| !line.starts_with(" $ cargo run"))
        .skip(1);
    let shown = header
        .take_while(|line| *line != " ```")
        .map(|line| timeless(&line[1..]));
    let printed: Vec<_> = printed.lines().map(timeless).collect();
    assert_eq!(printed, shown.collect::<Vec<_>>());
}

#[test]
fn the_page_on_databases_shows_the_pool_as_it_is() {
    let page = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/databases.md"
    ))
    .unwrap();
    let block = format!("\n```rust\n{}```\n", include_str!("../src/pool.rs"));
    assert!(
        page.contains(&block),
        "docs/databases.md has another pool than src/pool.rs"
    );
}
