//! The writing of several files, all or none.

use crate::error::{MigrateError, shown};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A new file beside the one that it will replace.
struct Staged<'a> {
    new: PathBuf,
    target: &'a Path,
    old_text: &'a str,
}

/// Removes what was not used.
impl Drop for Staged<'_> {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.new));
    }
}

/// Replaces each file by its new text. Each new file is written beside the old one first, so that a full disk or a
/// forbidden folder changes nothing. If a replacement fails, the earlier ones are undone.
pub(crate) fn replace_all<'a>(
    files: impl Iterator<Item = (&'a Path, &'a str, &'a str)>,
) -> Result<(), MigrateError> {
    let mut staged = Vec::new();
    for (target, old_text, new_text) in files {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".migrating");
        let new = target.with_file_name(name);
        let failed = |error| MigrateError::io(target, "cannot be replaced", error);
        // A change since the plan was made is not overwritten.
        if fs::read_to_string(target).map_err(failed)? != old_text {
            return Err(MigrateError::new(format!(
                "{}: changed meanwhile; nothing was written",
                shown(target)
            )));
        }
        let mut file = File::create_new(&new).map_err(failed)?;
        let staged_file = Staged {
            new,
            target,
            old_text,
        };
        file.write_all(new_text.as_bytes()).map_err(failed)?;
        let permissions = fs::metadata(target).map_err(failed)?.permissions();
        fs::set_permissions(&staged_file.new, permissions).map_err(failed)?;
        staged.push(staged_file);
    }
    for (done, file) in staged.iter().enumerate() {
        if let Err(error) = fs::rename(&file.new, file.target) {
            for earlier in staged.iter().take(done) {
                drop(fs::write(earlier.target, earlier.old_text));
            }
            return Err(MigrateError::io(file.target, "cannot be replaced", error));
        }
    }
    Ok(())
}
