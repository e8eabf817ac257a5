//! Which events make it worth to look again.
//!
//! A folder may be busy with files that are nobody's concern here, and each look is a thread's turn.

use super::happening::{Happening, What};
use super::notice::Seen;
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
