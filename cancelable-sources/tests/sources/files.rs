//! Real files, with the system's events and without.

use crate::drive::Drive;
use cancelable_core::Reason;
use cancelable_sources::{FileSource, file_appears, file_changes, file_disappears};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);
const SETTLE: Duration = Duration::from_millis(100);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A change of the file, and the text of the cause.
type Case = (&'static str, fn(&Path), &'static str);

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("stop");
    (folder, file)
}

/// The words on the file, after its path.
fn words(cause: &cancelable_core::Cause, file: &Path) -> String {
    assert_eq!(*cause.reason(), Reason::File);
    assert!(cause.location().file().ends_with("files.rs"), "{cause}");
    let message = cause.message().unwrap();
    let path = file.display().to_string();
    message.strip_prefix(&path).unwrap().trim().to_owned()
}

/// Does the deed with the file watched, and wants it told of: by an event, since the interval is an
/// hour and the time is moved by no more than what settles; then by looking, and not before it is
/// time.
fn both_ways(source: fn(&Path) -> FileSource, before: fn(&Path), (name, deed, said): Case) {
    let (_folder, file) = place();
    before(&file);
    let mut drive = Drive::new(source(&file).every(HOUR).unwrap());
    assert!(drive.step().is_none(), "{name}: nothing has happened");
    deed(&file);
    let cause = drive.told(SETTLE);
    assert!(
        is_said(&words(&cause, &file), said),
        "{name}, by events: {cause}"
    );

    let (_folder, file) = place();
    before(&file);
    let mut drive = Drive::new(source(&file).polling().every(HOUR).unwrap());
    assert!(drive.step().is_none(), "{name}: nothing has happened");
    deed(&file);
    assert!(drive.after(HOUR - MILLISECOND).is_none(), "{name}: not yet");
    let cause = drive.after(MILLISECOND).or_else(|| drive.after(SETTLE));
    let cause = cause.unwrap_or_else(|| panic!("{name}: not seen"));
    assert!(
        is_said(&words(&cause, &file), said),
        "{name}, by looking: {cause}"
    );
}

/// Windows gives a file that comes to the place of another one the other's time of creation, so
/// which of the two it is cannot always be told.
fn is_said(words: &str, said: &str) -> bool {
    words == said || (cfg!(windows) && (words, said) == ("was written to", "was replaced"))
}

fn write(file: &Path) {
    fs::write(file, "one").unwrap();
}

fn nothing(_: &Path) {}

#[test]
fn r30_a_file_that_appears_is_told_of() {
    let source = |file: &Path| file_appears(file).unwrap();
    let cases: [Case; 4] = [
        ("written", write, "appeared"),
        ("a folder", |file| fs::create_dir(file).unwrap(), "appeared"),
        (
            "moved there",
            |file| {
                let other = file.with_extension("new");
                fs::write(&other, "").unwrap();
                fs::rename(other, file).unwrap();
            },
            "appeared",
        ),
        (
            "moved there with its folder",
            |file| {
                let folder = file.parent().unwrap();
                fs::create_dir(folder.join("new")).unwrap();
                fs::rename(folder.join("new"), file).unwrap();
            },
            "appeared",
        ),
    ];
    for case in cases {
        both_ways(source, nothing, case);
    }
}

#[test]
fn r30_nothing_of_its_path_need_exist() {
    for native in [true, false] {
        let folder = TempDir::new().unwrap();
        let deep = folder.path().join("a").join("b");
        let file = deep.join("stop");
        let source = file_appears(&file).unwrap().every(HOUR).unwrap();
        let mut drive = match native {
            true => Drive::new(source),
            false => Drive::new(source.polling()),
        };
        assert!(drive.step().is_none());
        fs::create_dir_all(&deep).unwrap();
        fs::write(&file, "").unwrap();
        let cause = match native {
            true => drive.told(Duration::ZERO),
            false => drive.after(HOUR).unwrap(),
        };
        assert_eq!(words(&cause, &file), "appeared");
    }
}

#[test]
fn r30_a_file_that_changes_is_told_of() {
    let source = |file: &Path| file_changes(file).unwrap();
    let cases: [Case; 4] = [
        (
            "longer",
            |file| fs::write(file, "two or more").unwrap(),
            "was written to",
        ),
        (
            "another time of modification",
            |file| {
                let file = fs::File::options().write(true).open(file).unwrap();
                file.set_modified(std::time::UNIX_EPOCH).unwrap();
            },
            "was written to",
        ),
        (
            "replaced",
            |file| {
                let other = file.with_extension("new");
                fs::write(&other, "one").unwrap();
                fs::rename(other, file).unwrap();
            },
            "was replaced",
        ),
        (
            "removed",
            |file| fs::remove_file(file).unwrap(),
            "disappeared",
        ),
    ];
    for case in cases {
        both_ways(source, write, case);
    }
    both_ways(source, nothing, ("made", write, "appeared"));
}

#[test]
fn r30_a_file_that_disappears_is_told_of() {
    let source = |file: &Path| file_disappears(file).unwrap();
    let cases: [Case; 2] = [
        (
            "removed",
            |file| fs::remove_file(file).unwrap(),
            "disappeared",
        ),
        (
            "moved away",
            |file| fs::rename(file, file.with_extension("old")).unwrap(),
            "disappeared",
        ),
    ];
    for case in cases {
        both_ways(source, write, case);
    }
}

/// The steps of editors: the old file is moved away, and a new one comes to its place.
#[test]
fn r30_a_file_that_is_replaced_has_not_disappeared() {
    let (_folder, file) = place();
    write(&file);
    let source = file_disappears(&file).unwrap().polling();
    let mut drive = Drive::new(source);
    assert!(drive.step().is_none());
    fs::rename(&file, file.with_extension("old")).unwrap();
    assert!(
        drive.after(Duration::from_secs(1)).is_none(),
        "gone, but since just now"
    );
    write(&file);
    assert!(drive.after(SETTLE).is_none(), "back again");
    assert!(drive.after(HOUR).is_none());
    fs::remove_file(&file).unwrap();
    assert!(drive.after(Duration::from_secs(1)).is_none());
    assert_eq!(words(&drive.after(SETTLE).unwrap(), &file), "disappeared");
}

#[test]
fn r30_it_fires_at_once_for_what_is_so_already() {
    let (_folder, file) = place();
    let cause = Drive::new(file_disappears(&file).unwrap()).step().unwrap();
    assert_eq!(words(&cause, &file), "is not there");
    write(&file);
    let cause = Drive::new(file_appears(&file).unwrap()).step().unwrap();
    assert_eq!(words(&cause, &file), "is there");
    assert_eq!(
        cause.to_string().split(" (set at").next().unwrap(),
        format!("a watched file changed: {} is there", file.display())
    );
}

/// The file is the one of that path, also when the folder is another one than before. Windows does
/// not let a folder be renamed that is watched.
#[cfg(unix)]
#[test]
fn r30_a_folder_that_is_replaced_is_followed() {
    let (folder, _) = place();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let file = home.join("stop");
    let source = file_appears(&file).unwrap().every(HOUR).unwrap();
    let mut drive = Drive::new(source);
    assert!(drive.step().is_none());
    let old = folder.path().join("old");
    fs::rename(&home, &old).unwrap();
    fs::create_dir(&home).unwrap();
    drive.manual.advance(20 * HOUR);
    assert!(drive.step().is_none());
    fs::write(old.join("stop"), "not this one").unwrap();
    drive.manual.advance(20 * HOUR);
    assert!(drive.step().is_none(), "it was made elsewhere");
    write(&file);
    assert_eq!(words(&drive.told(Duration::ZERO), &file), "appeared");
}

#[cfg(unix)]
#[test]
fn r30_a_link_is_followed_to_the_content() {
    let (folder, file) = place();
    let elsewhere = TempDir::new().unwrap();
    let real = elsewhere.path().join("content");
    write(&real);
    std::os::unix::fs::symlink(&real, &file).unwrap();
    let source = || file_changes(&file).unwrap().every(HOUR).unwrap();
    let mut drive = Drive::new(source());
    assert!(drive.step().is_none());
    fs::write(&real, "two or more").unwrap();
    assert_eq!(words(&drive.told(SETTLE), &file), "was written to");

    // The steps of clusters: the link leads over another link, and that one is replaced.
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    let data = folder.path().join("data");
    for version in [&one, &two] {
        fs::create_dir(version).unwrap();
        write(&version.join("stop"));
    }
    std::os::unix::fs::symlink(&one, &data).unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(data.join("stop"), &file).unwrap();
    let mut drive = Drive::new(source());
    assert!(drive.step().is_none());
    let next = folder.path().join("next");
    std::os::unix::fs::symlink(&two, &next).unwrap();
    fs::rename(&next, &data).unwrap();
    assert_eq!(words(&drive.told(SETTLE), &file), "was replaced");
}

/// It was there between two looks, and a look finds nothing: the event is the witness.
#[cfg(any(target_os = "linux", target_os = "windows"))]
#[test]
fn r30_a_file_that_was_there_for_a_moment_has_appeared() {
    let (_folder, file) = place();
    let mut drive = Drive::new(file_appears(&file).unwrap());
    assert!(drive.step().is_none());
    write(&file);
    fs::remove_file(&file).unwrap();
    assert_eq!(words(&drive.told(Duration::ZERO), &file), "appeared");
}

/// Neither length nor time of modification tell of it.
#[cfg(target_os = "linux")]
#[test]
fn r30_a_change_that_leaves_no_trace_is_told_of() {
    let (_folder, file) = place();
    write(&file);
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let mut drive = Drive::new(file_changes(&file).unwrap().every(HOUR).unwrap());
    assert!(drive.step().is_none());
    fs::write(&file, "two").unwrap();
    let open = fs::File::options().write(true).open(&file).unwrap();
    open.set_modified(before).unwrap();
    assert_eq!(words(&drive.told(Duration::ZERO), &file), "was written to");
}

/// The folder of the name that is watched tells nothing of what is written by another name.
#[cfg(target_os = "linux")]
#[test]
fn r30_a_write_by_another_name_of_the_file_is_told_of() {
    let (_folder, file) = place();
    write(&file);
    let elsewhere = TempDir::new().unwrap();
    let other = elsewhere.path().join("other");
    fs::hard_link(&file, &other).unwrap();
    let mut drive = Drive::new(file_changes(&file).unwrap().every(HOUR).unwrap());
    assert!(drive.step().is_none());
    fs::write(&other, "two").unwrap();
    assert_eq!(words(&drive.told(Duration::ZERO), &file), "was written to");
}

/// The folder above it tells nothing of what comes into it.
#[cfg(target_os = "linux")]
#[test]
fn r30_what_comes_into_a_folder_that_is_watched_as_a_file_is_told_of() {
    let (_folder, file) = place();
    fs::create_dir(&file).unwrap();
    let mut drive = Drive::new(file_changes(&file).unwrap().every(HOUR).unwrap());
    assert!(drive.step().is_none());
    fs::write(file.join("new"), "").unwrap();
    assert_eq!(words(&drive.told(Duration::ZERO), &file), "was written to");
}

/// From link to link, each in a folder of its own.
#[cfg(target_os = "linux")]
#[test]
fn r30_a_link_on_the_way_that_is_replaced_is_told_of() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    // Not at the top, where others are at work.
    let [home, hop, elsewhere] = ["home", "hop", "elsewhere"].map(|name| {
        let folder = folder.path().join(name).join("inner");
        fs::create_dir_all(&folder).unwrap();
        folder
    });
    let file = home.join("stop");
    let (one, two) = (elsewhere.join("1"), elsewhere.join("2"));
    write(&one);
    write(&two);
    let on_the_way = hop.join("link");
    symlink(&one, &on_the_way).unwrap();
    symlink(&on_the_way, &file).unwrap();
    let mut drive = Drive::new(file_changes(&file).unwrap().every(HOUR).unwrap());
    assert!(drive.step().is_none());
    let next = hop.join("next");
    symlink(&two, &next).unwrap();
    fs::rename(&next, &on_the_way).unwrap();
    assert_eq!(words(&drive.told(SETTLE), &file), "was replaced");
}

/// A folder with two paths is one folder for the kernel; each hears of it by its own.
#[cfg(target_os = "linux")]
#[test]
fn r30_a_folder_that_is_watched_by_two_paths_tells_of_both() {
    let (folder, file) = place();
    let link = folder.path().with_extension("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let other = link.join("stop");
    let source = |file: &Path| file_appears(file).unwrap().every(HOUR).unwrap();
    let mut drives = [&file, &other].map(|file| Drive::new(source(file)));
    assert!(drives.iter_mut().all(|drive| drive.step().is_none()));
    // A source that starts and ends takes nothing from the others.
    for file in [&file, &other] {
        let mut drive = Drive::new(source(file));
        assert!(drive.step().is_none());
        drop(drive);
    }
    write(&file);
    for (drive, file) in drives.iter_mut().zip([&file, &other]) {
        assert_eq!(words(&drive.told(Duration::ZERO), file), "appeared");
    }
    fs::remove_file(link).unwrap();
}
