//! Which events make it worth to look again.
//!
//! A folder may be busy with files that are nobody's concern here, and each look is a thread's turn.

use super::notice::Seen;
use notify::event::{CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind};
use std::path::PathBuf;

/// Whether events name the paths that were asked for, and come after what they tell of. Elsewhere
/// an event says no more than that something has happened.
const EXACT: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "windows"
));

/// What the events of the watched folders are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// The file, as it is named.
    pub(super) file: PathBuf,
    /// Where its name leads to, and the folders on the way that are watched or awaited.
    pub(super) on_the_way: Vec<PathBuf>,
    /// The file is reached through a link, whose end may be anywhere: every change of a name counts.
    pub(super) linked: bool,
}

impl Interest {
    /// What the event says of the file; none if there is no reason to look.
    pub(super) fn judge(&self, event: &Event) -> Option<Seen> {
        let mut seen = Seen::default();
        if event.need_rescan() {
            seen.broken = true;
            return Some(seen);
        }
        // Looking at files and opening them changes nothing.
        if event.kind.is_access() {
            return None;
        }
        if !EXACT {
            return Some(seen);
        }
        if event.paths.contains(&self.file) {
            match event.kind {
                EventKind::Create(CreateKind::Any | CreateKind::File | CreateKind::Folder) => {
                    seen.appeared = true;
                }
                EventKind::Modify(ModifyKind::Name(RenameMode::To)) => seen.appeared = true,
                // Of Windows only the look can say whether it was more than an attribute.
                EventKind::Modify(ModifyKind::Data(_)) => seen.written = true,
                _ => {}
            }
            return Some(seen);
        }
        let names = matches!(
            event.kind,
            EventKind::Create(_)
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Any
                | EventKind::Other
        );
        let concerns = event
            .paths
            .iter()
            .any(|path| self.on_the_way.contains(path));
        (concerns || (names && (self.linked || event.paths.is_empty()))).then_some(seen)
    }
}
