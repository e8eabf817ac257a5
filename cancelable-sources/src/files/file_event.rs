//! An event of the file system, the same type for every operating system.

use std::path::PathBuf;

/// An event in a watched folder, or of a watched file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEvent {
    pub(super) kind: FileEventKind,
    /// The changed paths. Empty if the system does not name them.
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileEventKind {
    /// The file was created, or another file was moved to its path.
    Appeared,
    /// The file was removed or moved away.
    Left,
    /// The name of the file has changed, and the system does not report how.
    #[cfg_attr(
        any(target_os = "linux", target_os = "android"),
        allow(dead_code, reason = "Linux reports the kind")
    )]
    Named,
    /// The file was written to.
    Written,
    /// Another attribute has changed, such as the modification time.
    Touched,
    /// The system has lost events or watches.
    Lost,
}

impl FileEvent {
    pub(super) fn lost() -> Self {
        Self {
            kind: FileEventKind::Lost,
            paths: Vec::new(),
        }
    }
}
