//! An event of the file system, the same type for every operating system.

use std::path::PathBuf;

/// An event in a watched folder, or of a watched file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) what: What,
    /// The changed paths. Empty if the system does not name them.
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It was created, or another file was moved to its path.
    Appeared,
    /// It was removed or moved away.
    Left,
    /// Its name has changed in a way that the system does not report.
    #[cfg_attr(
        any(target_os = "linux", target_os = "android"),
        allow(dead_code, reason = "Linux says what")
    )]
    Named,
    /// It was written to.
    Written,
    /// Another attribute has changed, such as the modification time.
    Touched,
    /// The system has lost events or watches.
    Lost,
}

impl Happening {
    pub(super) fn lost() -> Self {
        Self {
            what: What::Lost,
            paths: Vec::new(),
        }
    }
}
