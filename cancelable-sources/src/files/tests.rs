//! Watchers that refuse, fail or are late, as the system's watchers do not do on demand.

#[cfg(any(target_os = "linux", target_os = "windows"))]
mod event_filter;
mod findings;

use super::check::{Change, Checked, FileCheck};
use super::findings::Findings;
use super::watch::{Handler, Make, Watch};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A watch that does something when a folder is to be watched.
struct Fake(fn(&Path) -> io::Result<()>);

impl Watch for Fake {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        (self.0)(folder)
    }

    fn file(&mut self, _file: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn check(file: &Path, want: Change, make: Make) -> (FileCheck, Arc<Findings>) {
    let findings = Arc::new(Findings::default());
    let check = FileCheck::new(file.to_owned(), want, Arc::clone(&findings), Some(make));
    (check, findings)
}

#[test]
fn r30_no_more_watches_means_looking() {
    let refuses: Make = |_| Err(io::Error::other("none to be had"));
    let is_full: Make = |_| {
        let full = |_: &Path| Err(io::ErrorKind::StorageFull.into());
        Ok(Box::new(Fake(full)))
    };
    for make in [refuses, is_full] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("stop");
        let (mut check, _) = check(&file, Change::Appears, make);
        assert_eq!(check.check(false).unwrap(), Checked::Nothing);
        assert!(!check.is_native());
        fs::write(&file, "").unwrap();
        assert_eq!(check.check(false).unwrap(), Checked::Happened("appeared"));
    }
}

/// A change before the watch is set up has no event, and the check after it finds the change.
#[test]
fn r30_what_happens_while_the_watch_is_set_up_is_found() {
    let late: Make = |_| {
        Ok(Box::new(Fake(|folder| {
            if folder.ends_with("home") {
                fs::write(folder.join("stop"), "").unwrap();
            }
            Ok(())
        })))
    };
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let (mut check, _) = check(&home.join("stop"), Change::Appears, late);
    assert_eq!(check.check(false).unwrap(), Checked::Happened("is there"));
}

/// The folder of the file is created while its parent folder is being watched for it. Then the new folder is watched, too.
#[test]
fn r30_a_folder_that_comes_while_the_watch_is_set_up_is_watched() {
    let makes: Make = |_| {
        Ok(Box::new(Fake(|folder| {
            if folder.ends_with("home") {
                fs::create_dir_all(folder.join("a")).unwrap();
            }
            match folder.ends_with("a") {
                true => Err(io::Error::other("asked for")),
                false => Ok(()),
            }
        })))
    };
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let (mut check, _) = check(&home.join("a").join("stop"), Change::Appears, makes);
    assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    assert!(!check.is_native(), "it has asked to watch the new folder");
}

#[test]
fn r30_lost_events_have_everything_looked_at_and_watched_anew() {
    static WATCHED: AtomicUsize = AtomicUsize::new(0);
    let counts: Make = |_: Handler| {
        WATCHED.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Fake(|_| Ok(()))))
    };
    let folder = TempDir::new().unwrap();
    let (mut check, findings) = check(&folder.path().join("stop"), Change::Appears, counts);
    for _ in 0..3 {
        assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    }
    assert_eq!(WATCHED.load(Ordering::SeqCst), 1, "nothing has changed");
    findings.record(|seen| seen.broken = true);
    assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    assert_eq!(WATCHED.load(Ordering::SeqCst), 2);
}

/// A watch stays with its folder, also where another one has come to its place.
#[cfg(unix)]
#[test]
fn r30_a_folder_that_was_replaced_is_watched_anew() {
    static WATCHED: AtomicUsize = AtomicUsize::new(0);
    let counts: Make = |_: Handler| {
        WATCHED.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Fake(|_| Ok(()))))
    };
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let (mut check, _) = check(&home.join("stop"), Change::Appears, counts);
    assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    fs::rename(&home, folder.path().join("old")).unwrap();
    fs::create_dir(&home).unwrap();
    assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    assert_eq!(WATCHED.load(Ordering::SeqCst), 2);
}

/// The kernel changes these files and reports no change.
#[cfg(target_os = "linux")]
#[test]
fn r30_file_systems_without_events_are_known() {
    assert!(super::mount::is_silent(Path::new("/proc")));
    let folder = TempDir::new().unwrap();
    assert!(!super::mount::is_silent(folder.path()));
    let mut check = FileCheck::new(
        "/proc/self/stop".into(),
        Change::Appears,
        Arc::new(Findings::default()),
        Some(super::events::native),
    );
    assert_eq!(check.check(false).unwrap(), Checked::Nothing);
    assert!(!check.is_native());
}
