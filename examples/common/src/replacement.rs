//! A file that replaces another in one step, once it is complete.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::Identity;

/// The limit on symbolic links that are followed, as in the system.
const MOST_LINKS: usize = 40;

/// The target of an output path.
#[derive(Debug)]
pub enum Destination {
    /// A regular file, or one that does not exist yet, by its name without links.
    File(PathBuf),
    /// A device, a fifo or an open file of a process, which cannot be replaced.
    Special(PathBuf),
}

impl Destination {
    /// Resolves `path` through all links.
    ///
    /// # Errors
    ///
    /// It leads to a directory, or nowhere.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let name = match path.file_name() {
                Some(name) if !ends_with_separator(&path) => name.to_owned(),
                _ => return Err(io::ErrorKind::IsADirectory.into()),
            };
            let folder = folder_of(&path).canonicalize()?;
            let place = folder.join(name);
            // These links lead to open files, and not to names.
            if folder.starts_with("/proc") {
                return Ok(Self::Special(place));
            }
            match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self::File(place));
                }
                Err(error) => return Err(error),
                Ok(metadata) if metadata.is_symlink() => path = folder.join(place.read_link()?),
                Ok(metadata) if metadata.is_dir() => {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                Ok(metadata) if metadata.is_file() => return Ok(Self::File(place)),
                Ok(_) => return Ok(Self::Special(place)),
            }
        }
        Err(io::Error::other("too many levels of symbolic links"))
    }
}

fn ends_with_separator(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A file that is written beside another and replaces it in one step. Until then the other file is
/// unchanged, and a drop of this leaves it so.
///
/// If the folder of the other file is not writable, the new file is written in the folder for
/// temporary files.
#[derive(Debug)]
pub struct Replacement {
    new: NamedTempFile,
    new_identity: Option<Identity>,
    place: PathBuf,
    /// The file that is replaced, if there is one.
    old: Option<Metadata>,
    old_identity: Option<Identity>,
}

/// The location of a replacement that was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// At the target path, where there was no file before.
    InPlace,
    /// In the file of this name. The target is unchanged.
    At(PathBuf),
}

impl Replacement {
    /// Creates an empty file that will replace the file at `place`, or be the first there.
    ///
    /// # Errors
    ///
    /// The file at `place` is not writable, or there is no space for another.
    pub fn begin(place: &Path) -> io::Result<Self> {
        let old = match OpenOptions::new().write(true).open(place) {
            Ok(file) => Some(file.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let new = match temporary_in(folder_of(place)) {
            Ok(new) => new,
            // The target may still be writable, once its content is known; unless a write would
            // change a file of another name too.
            Err(_) if old.as_ref().is_some_and(has_one_name) => {
                temporary_in(&std::env::temp_dir())?
            }
            Err(error) => return Err(error),
        };
        if let Some(old) = &old {
            take_after(new.as_file(), old)?;
        }
        let old_identity = old.as_ref().and_then(|old| Identity::of(old, Some(place)));
        Ok(Self {
            new_identity: Identity::of(&new.as_file().metadata()?, Some(new.path())),
            new,
            place: place.to_owned(),
            old,
            old_identity,
        })
    }

    /// Returns the new file.
    #[must_use]
    pub fn file(&self) -> &File {
        self.new.as_file()
    }

    /// Returns whether this metadata belongs to the new file, or to the file that will be replaced
    /// under this name. Other names of that file keep its content.
    #[must_use]
    pub fn is(&self, metadata: &Metadata, path: &Path) -> bool {
        let new = self.new_identity.as_ref();
        let is_old = || path.canonicalize().is_ok_and(|path| path == self.place);
        new.is_some_and(|new| new.is(metadata, path)) || (self.replaces(metadata, path) && is_old())
    }

    /// Returns whether this metadata belongs to the file that will be replaced, under any name.
    #[must_use]
    pub fn replaces(&self, metadata: &Metadata, path: &Path) -> bool {
        let old = self.old_identity.as_ref();
        old.is_some_and(|old| old.is(metadata, path))
    }

    /// Syncs the new file to the disk and moves it to its place.
    ///
    /// # Errors
    ///
    /// The file cannot be synced or moved.
    pub fn place(self) -> io::Result<()> {
        sync(self.new.as_file())?;
        let is_beside = self.new.path().parent() == self.place.parent();
        let new = match is_beside {
            false => self.new,
            true => match self.new.persist(&self.place) {
                Ok(_) => {
                    sync_folder(&self.place);
                    return Ok(());
                }
                // For example a mount point, or a file of another user in a shared folder.
                Err(error) if self.old.as_ref().is_some_and(has_one_name) => error.file,
                Err(error) => return Err(error.error),
            },
        };
        copy_over(new.as_file(), &self.place)
    }

    /// Leaves an incomplete new file: at the target path if there was no file, or else beside it as
    /// `NAME.partial`.
    ///
    /// # Errors
    ///
    /// The file cannot be left there.
    pub fn leave(self) -> io::Result<Left> {
        sync(self.new.as_file())?;
        let new = match self.old {
            Some(_) => self.new,
            None => match self.new.persist_noclobber(&self.place) {
                Ok(_) => return Ok(Left::InPlace),
                // Another process has created a file there meanwhile.
                Err(error) => error.file,
            },
        };
        let name = self.place.file_name().unwrap_or(OsStr::new("output"));
        let mut name = name.to_owned();
        name.push(".partial");
        let folder = new.path().parent().map(Path::to_owned);
        let path = folder.unwrap_or_default().join(name);
        new.persist(&path)?;
        Ok(Left::At(path))
    }
}

/// Creates an empty file with the default permissions.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".new-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Copies the permissions of another file and, if allowed, its owner.
fn take_after(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{Gid, Uid, fchown};
        use std::os::unix::fs::MetadataExt;
        let owner = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
        // Most users may not change owners.
        let _ = fchown(file, Some(owner.0), Some(owner.1));
    }
    file.set_permissions(old.permissions())
}

#[cfg(unix)]
fn has_one_name(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink() == 1
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
}

/// Completes when the written bytes are on the disk, if the system can sync them.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Syncs the folder, so that the new name survives a loss of power. The file is complete even if that fails.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}

/// Overwrites the file at `place` with the content of `new`.
fn copy_over(mut new: &File, place: &Path) -> io::Result<()> {
    new.seek(SeekFrom::Start(0))?;
    let mut old = OpenOptions::new().write(true).open(place)?;
    let length = io::copy(&mut new, &mut old)?;
    old.set_len(length)?;
    sync(&old)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn begin(place: &Path, text: &str) -> Replacement {
        let replacement = Replacement::begin(place).unwrap();
        replacement.file().write_all(text.as_bytes()).unwrap();
        replacement
    }

    #[test]
    fn the_old_file_is_as_it_was_until_the_new_one_is_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        fs::write(&place, "old").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o640)).unwrap();
        drop(begin(&place, "dropped"));
        assert_eq!(fs::read_to_string(&place).unwrap(), "old");
        assert_eq!(names(dir.path()), ["file"]);
        let replacement = begin(&place, "new");
        assert_eq!(fs::read_to_string(&place).unwrap(), "old");
        replacement.place().unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(place.metadata().unwrap().mode() & 0o777, 0o640);
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn what_is_not_whole_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        assert_eq!(begin(&place, "first").leave().unwrap(), Left::InPlace);
        let partial = dir.path().join("file.partial");
        let left = begin(&place, "second").leave().unwrap();
        assert_eq!(left, Left::At(partial.clone()));
        assert_eq!(fs::read_to_string(&place).unwrap(), "first");
        assert_eq!(fs::read_to_string(&partial).unwrap(), "second");
        // Another process may have been faster.
        let third = begin(&dir.path().join("late"), "third");
        fs::write(dir.path().join("late"), "theirs").unwrap();
        let left = third.leave().unwrap();
        assert_eq!(left, Left::At(dir.path().join("late.partial")));
        assert_eq!(
            fs::read_to_string(dir.path().join("late")).unwrap(),
            "theirs"
        );
    }

    #[test]
    fn another_name_of_the_old_file_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let (place, other) = (dir.path().join("file"), dir.path().join("other"));
        fs::write(&place, "old").unwrap();
        fs::hard_link(&place, &other).unwrap();
        let replacement = begin(&place.canonicalize().unwrap(), "new");
        let metadata = place.metadata().unwrap();
        assert!(replacement.is(&metadata, &place) && !replacement.is(&metadata, &other));
        assert!(replacement.replaces(&metadata, &other));
        replacement.place().unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "old");
    }

    #[test]
    fn a_path_is_followed_to_a_file_or_to_what_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        symlink("to", root.join("from")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let file = |name: &str| match Destination::of(&root.join(name)) {
            Ok(Destination::File(path)) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(file("from"), root.join("to"));
        fs::write(root.join("to"), "").unwrap();
        assert_eq!(file("from"), root.join("to"));
        for special in ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            let destination = Destination::of(Path::new(special)).unwrap();
            assert!(matches!(destination, Destination::Special(_)), "{special}");
        }
        for wrong in ["", "new/", "round", "no/such", "to/below"] {
            assert!(Destination::of(&root.join(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_renamed_over_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (place, elsewhere) = (dir.path().join("file"), tempfile::tempdir().unwrap());
        fs::write(&place, "the old one is longer").unwrap();
        let mut replacement = begin(&place, "");
        // The case of a folder that is not writable.
        replacement.new = temporary_in(elsewhere.path()).unwrap();
        replacement.file().write_all(b"new").unwrap();
        let inode = place.metadata().unwrap().ino();
        replacement.place().unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(place.metadata().unwrap().ino(), inode);
    }
}
