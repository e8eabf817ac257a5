//! The events of systems other than Linux, by `notify`, with a watcher for each source.

use super::file_event::{FileEvent, FileEventKind};
use super::watch::{Handler, Watch};
use notify::event::{CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use std::io;
use std::path::Path;

pub(super) fn native(handler: Handler) -> io::Result<Box<dyn Watch>> {
    let report = move |event: notify::Result<Event>| match event {
        // Reads and opens change nothing.
        Ok(event) if event.kind.is_access() => {}
        Ok(event) => handler(file_event(event)),
        Err(_) => handler(FileEvent::lost()),
    };
    let watcher = notify::recommended_watcher(report).map_err(error)?;
    Ok(Box::new(Notified(watcher)))
}

struct Notified(notify::RecommendedWatcher);

impl Watch for Notified {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let watched = self.0.watch(folder, RecursiveMode::NonRecursive);
        watched.map_err(error)
    }

    /// Does nothing: these systems report a change of a file in the folder of the name that was used.
    fn file(&mut self, _file: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn file_event(event: Event) -> FileEvent {
    if event.need_rescan() {
        return FileEvent::lost();
    }
    let kind = match event.kind {
        EventKind::Create(CreateKind::Any | CreateKind::File | CreateKind::Folder)
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => FileEventKind::Appeared,
        EventKind::Remove(_) => FileEventKind::Left,
        // On Windows only the check shows if more than an attribute has changed.
        EventKind::Modify(ModifyKind::Data(_)) => FileEventKind::Written,
        EventKind::Create(CreateKind::Other)
        | EventKind::Modify(ModifyKind::Name(_))
        | EventKind::Any
        | EventKind::Other => FileEventKind::Named,
        EventKind::Modify(_) | EventKind::Access(_) => FileEventKind::Touched,
    };
    FileEvent {
        kind,
        paths: event.paths,
    }
}

fn error(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::Error::new(io::ErrorKind::NotFound, error),
        _ => io::Error::other(error),
    }
}
