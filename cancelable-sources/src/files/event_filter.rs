//! The filter for events that require a check.
//!
//! Other files in a folder may change often, and each check occupies a thread.

use super::file_event::{FileEvent, FileEventKind};
use super::findings::Finding;
use std::path::PathBuf;

/// True on systems whose events name the watched paths and come after the change. On other systems an event only means
/// that something has changed.
const EXACT: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "windows"
));

/// The paths with which events of the watched folders are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventFilter {
    /// The file, as it is named.
    pub(super) file: PathBuf,
    /// The path that its name resolves to, and the folders on the way that are watched or awaited.
    pub(super) on_the_way: Vec<PathBuf>,
    /// True if the file is reached through a link, whose end may be anywhere: every change of a name counts.
    pub(super) linked: bool,
}

impl EventFilter {
    /// Returns the findings of the event, or `None` if it requires no check.
    pub(super) fn apply(&self, event: &FileEvent) -> Option<Finding> {
        let FileEvent { kind, paths } = event;
        let mut seen = Finding::default();
        if *kind == FileEventKind::Lost {
            seen.broken = true;
            return Some(seen);
        }
        if !EXACT {
            return Some(seen);
        }
        if paths.contains(&self.file) {
            seen.appeared = *kind == FileEventKind::Appeared;
            seen.written = *kind == FileEventKind::Written;
            return Some(seen);
        }
        let names = matches!(
            kind,
            FileEventKind::Appeared | FileEventKind::Left | FileEventKind::Named
        );
        let concerns = paths.iter().any(|path| self.on_the_way.contains(path));
        (concerns || (names && (self.linked || paths.is_empty()))).then_some(seen)
    }
}
