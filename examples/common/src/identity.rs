//! The identity of a file, independent of its name.

use std::fs::Metadata;
use std::path::Path;

/// The identity of a regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

impl Identity {
    /// Returns the identity of an open regular file; `path` is its name, if it has one.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &Metadata, _path: Option<&Path>) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
        })
    }

    /// Returns the identity of an open regular file; `path` is its name, if it has one.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(_metadata: &Metadata, path: Option<&Path>) -> Option<Self> {
        Some(Self {
            path: path?.canonicalize().ok()?,
        })
    }

    /// Returns whether this metadata belongs to the same file.
    #[must_use]
    pub fn is(&self, metadata: &Metadata, path: &Path) -> bool {
        Self::of(metadata, Some(path)).as_ref() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn a_file_is_known_by_any_of_its_names() {
        let dir = tempfile::tempdir().expect("a directory");
        let named = |name: &str| {
            let path = dir.path().join(name);
            (path.metadata().expect("it is there"), path)
        };
        for name in ["one", "other"] {
            std::fs::write(dir.path().join(name), "abc").expect("there is room");
        }
        let (metadata, one) = named("one");
        let identity = Identity::of(&metadata, Some(&one)).expect("it is a regular file");
        let is = |name| {
            let (metadata, path) = named(name);
            identity.is(&metadata, &path)
        };
        assert!(is("one") && is("./one") && !is("other"));
        #[cfg(unix)]
        {
            std::fs::hard_link(&one, dir.path().join("two")).expect("it has links");
            assert!(is("two"));
        }
    }
}
