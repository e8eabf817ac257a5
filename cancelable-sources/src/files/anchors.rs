//! The folders to watch for a file: the nearest that exist.

use super::event_filter::EventFilter;
use super::snapshot::{Identity, identity};
use std::fs;
use std::path::{Path, PathBuf};

/// The number of links that Linux follows for one path.
const MOST_LINKS: usize = 40;

/// The folders, and perhaps the file, to watch in the present state of the file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchors {
    /// Each folder with its identity: another folder may replace it under the same name.
    pub(super) folders: Vec<(PathBuf, Identity)>,
    /// The file itself, if it exists and its content matters: it may be written through other names.
    pub(super) itself: Option<Identity>,
    pub(super) filter: EventFilter,
}

impl Anchors {
    /// Returns the anchors of `file`. With `content` the content of the file matters, and not only its existence.
    pub(super) fn of(file: &Path, content: bool) -> Self {
        let mut anchors = Self::default();
        anchors.filter.file = file.to_owned();
        let parent = file.parent().unwrap_or(file);
        // The nearest folder that exists, and the awaited name in it.
        let mut awaited = file;
        let mut nearest = parent;
        // Ends at the root at the latest.
        while !nearest.is_dir() {
            let Some(above) = nearest.parent() else { break };
            awaited = nearest;
            nearest = above;
        }
        anchors.add(nearest);
        anchors.note(awaited);
        // The folder itself may be moved away or replaced.
        if let Some(above) = nearest.parent() {
            anchors.add(above);
            anchors.note(nearest);
        }
        // A link is followed to the content. The name of the link counts as the file's name.
        let named = nearest.canonicalize().ok().zip(file.file_name());
        let named = named.map(|(folder, name)| folder.join(name));
        if let (true, Ok(real)) = (awaited == file, file.canonicalize()) {
            anchors.filter.linked = named.as_deref() != Some(&*real);
            if anchors.filter.linked {
                anchors.follow_links(file);
                anchors.add_with_folder(&real);
            }
        }
        if content {
            let itself = fs::metadata(file).ok();
            anchors.itself = itself.map(|metadata| identity(&metadata));
        }
        anchors
    }

    /// Adds the folder of each link on the way, because each link may be replaced.
    fn follow_links(&mut self, file: &Path) {
        let mut link = file.to_owned();
        for _ in 0..MOST_LINKS {
            let Ok(target) = fs::read_link(&link) else {
                return;
            };
            // An absolute target replaces the rest.
            link = link.parent().unwrap_or(&link).join(target);
            self.add_with_folder(&link);
        }
    }

    fn add_with_folder(&mut self, path: &Path) {
        if let Some(folder) = path.parent() {
            self.add(folder);
            self.note(path);
        }
    }

    fn add(&mut self, folder: &Path) {
        let known = self.folders.iter().any(|(known, _)| known == folder);
        if !known {
            let which = fs::metadata(folder).ok();
            let which = which.and_then(|metadata| identity(&metadata));
            self.folders.push((folder.to_owned(), which));
        }
    }

    fn note(&mut self, path: &Path) {
        if path != self.filter.file {
            self.filter.on_the_way.push(path.to_owned());
        }
    }
}
