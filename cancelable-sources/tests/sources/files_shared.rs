//! The shared cost of the watched files of a process: a user has 128 instances of inotify for all programs.
//!
//! Counted in a process of its own, since the other tests watch files too.

use crate::drive::Drive;
use cancelable_sources::{file_appears, file_changes};
use std::env;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);
/// More than the user has instances.
const SCOPES: usize = 200;

fn count(folder: &str, is_one: impl Fn(&std::path::Path) -> bool) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| is_one(&entry.path())).count()
}

fn instances() -> usize {
    count("/proc/self/fd", |descriptor| {
        fs::read_link(descriptor).is_ok_and(|target| target.as_os_str() == "anon_inode:inotify")
    })
}

fn readers() -> usize {
    count("/proc/self/task", |task| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "file-events")
    })
}

#[test]
fn r30_any_number_of_files_has_one_instance_and_one_thread() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "files_shared::child", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("all were told, and nothing is left"),
        "{said}"
    );
}

#[test]
#[ignore = "run as a process of its own by the test above"]
fn child() {
    // Twice: what is there once more after the last has gone is as good as the first.
    for _ in 0..2 {
        let folder = TempDir::new().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::write(&other, "").unwrap();
        let mut drives: Vec<_> = (0..SCOPES)
            .map(|_| Drive::new(file_appears(&one).unwrap().every(HOUR).unwrap()))
            .collect();
        let change = file_changes(&other).unwrap().every(HOUR).unwrap();
        drives.push(Drive::new(change));
        assert!(drives.iter_mut().all(|drive| drive.step().is_none()));
        assert_eq!(instances(), 1);
        // It is started by then, and gives itself its name.
        while readers() != 1 {
            thread::yield_now();
        }
        fs::write(&one, "").unwrap();
        fs::write(&other, "two").unwrap();
        for drive in &mut drives {
            drive.told(Duration::ZERO);
        }
        drop(drives);
        while instances() + readers() > 0 {
            thread::yield_now();
        }
    }
    println!("all were told, and nothing is left");
}
