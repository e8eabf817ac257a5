//! A file opened for hashing: never a file that blocks, and never the output file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::output::Own;
use crate::walk::kind_of;

/// The result of opening an entry of the walk.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A regular file, and its length.
    File(File, u64),
    /// The entry was replaced by another kind of file since the walk.
    Special(&'static str),
    /// The output file: its digest would be wrong after the next write.
    Output,
}

/// Opens `path` unless it is no regular file or is one of `own`.
///
/// The walk has seen a regular file under this name, but the file may have been replaced. Without
/// the flags the call would wait for the writer of a fifo, and would follow a link.
pub(crate) fn open(path: &Path, follow: bool, own: &Own) -> io::Result<Opened> {
    let file = open_options(follow).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Opened::Special(kind_of(metadata.file_type())));
    }
    if own.has(&metadata, path) {
        return Ok(Opened::Output);
    }
    Ok(Opened::File(file, metadata.len()))
}

#[cfg(unix)]
fn open_options(follow: bool) -> OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, !follow);
    let mut options = OpenOptions::new();
    // The flags are bits, and the system takes them as a signed number.
    options.read(true).custom_flags(flags.bits() as i32);
    options
}

#[cfg(not(unix))]
fn open_options(_follow: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use common::Identity;

    // The fifo has no writer: without the flags the call would wait for ever.
    #[test]
    fn what_took_the_place_of_a_file_since_the_walk_saw_it_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(matches!(
            open(&fifo, false, &Own::Nothing),
            Ok(Opened::Special("a fifo"))
        ));
        assert!(matches!(
            open(dir.path(), false, &Own::Nothing),
            Ok(Opened::Special("a directory"))
        ));
        let link = dir.path().join("link");
        std::fs::write(dir.path().join("file"), "abc").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert!(open(&link, false, &Own::Nothing).is_err());
        assert!(matches!(
            open(&link, true, &Own::Nothing),
            Ok(Opened::File(..))
        ));
    }

    #[test]
    fn the_output_is_not_read_by_whichever_of_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::write(&one, "abc").unwrap();
        std::fs::hard_link(&one, &two).unwrap();
        std::fs::write(dir.path().join("other"), "abc").unwrap();
        let identity = Identity::of(&one.metadata().unwrap(), Some(&one));
        let own = Own::Stdout(identity);
        assert!(matches!(open(&two, false, &own), Ok(Opened::Output)));
        let other = open(&dir.path().join("other"), false, &own);
        assert!(matches!(other, Ok(Opened::File(..))));
    }
}
