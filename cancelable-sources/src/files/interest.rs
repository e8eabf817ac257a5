//! The filter for events that call for a look.
//!
//! Other files in a folder may change often, and each look occupies a thread.

use super::happening::{Happening, What};
use super::notice::Seen;
use std::path::PathBuf;

/// Whether events name the watched paths and come after the change. Elsewhere an event says only that
/// something has changed.
const EXACT: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "windows"
));

/// The paths that events of the watched folders are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// The file, as it is named.
    pub(super) file: PathBuf,
    /// The path that its name resolves to, and the folders on the way that are watched or awaited.
    pub(super) on_the_way: Vec<PathBuf>,
    /// The file is reached through a link, whose end may be anywhere: every change of a name counts.
    pub(super) linked: bool,
}

impl Interest {
    /// Returns the findings of the event; none if it calls for no look.
    pub(super) fn judge(&self, happening: &Happening) -> Option<Seen> {
        let Happening { what, paths } = happening;
        let mut seen = Seen::default();
        if *what == What::Lost {
            seen.broken = true;
            return Some(seen);
        }
        if !EXACT {
            return Some(seen);
        }
        if paths.contains(&self.file) {
            seen.appeared = *what == What::Appeared;
            seen.written = *what == What::Written;
            return Some(seen);
        }
        let names = matches!(what, What::Appeared | What::Left | What::Named);
        let concerns = paths.iter().any(|path| self.on_the_way.contains(path));
        (concerns || (names && (self.linked || paths.is_empty()))).then_some(seen)
    }
}
