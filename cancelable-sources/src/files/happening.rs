//! What a system says has happened, whichever system it is.

use std::path::PathBuf;

/// One thing that happened in a folder that is watched, or to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) what: What,
    /// What it happened to. Empty where the system does not say.
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It was made, or something was moved to its place.
    Appeared,
    /// It was removed or moved away.
    Left,
    /// Something about its name, and the system does not say what.
    #[cfg_attr(
        any(target_os = "linux", target_os = "android"),
        allow(dead_code, reason = "Linux says what")
    )]
    Named,
    /// It was written to.
    Written,
    /// Something else about it, such as its time of modification.
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
