//! The events of systems other than Linux, by `notify`, with a watcher for each source.

use super::happening::{Happening, What};
use super::watch::{Handler, Watch};
use notify::event::{CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use std::io;
use std::path::Path;

pub(super) fn native(handler: Handler) -> io::Result<Box<dyn Watch>> {
    let told = move |event: notify::Result<Event>| match event {
        // Reads and opens change nothing.
        Ok(event) if event.kind.is_access() => {}
        Ok(event) => handler(happening(event)),
        Err(_) => handler(Happening::lost()),
    };
    let watcher = notify::recommended_watcher(told).map_err(error)?;
    Ok(Box::new(Notified(watcher)))
}

struct Notified(notify::RecommendedWatcher);

impl Watch for Notified {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let watched = self.0.watch(folder, RecursiveMode::NonRecursive);
        watched.map_err(error)
    }

    /// These systems report a change of a file in the folder of the name that was used.
    fn file(&mut self, _file: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn happening(event: Event) -> Happening {
    if event.need_rescan() {
        return Happening::lost();
    }
    let what = match event.kind {
        EventKind::Create(CreateKind::Any | CreateKind::File | CreateKind::Folder)
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => What::Appeared,
        EventKind::Remove(_) => What::Left,
        // Of Windows only the look can say whether it was more than an attribute.
        EventKind::Modify(ModifyKind::Data(_)) => What::Written,
        EventKind::Create(CreateKind::Other)
        | EventKind::Modify(ModifyKind::Name(_))
        | EventKind::Any
        | EventKind::Other => What::Named,
        EventKind::Modify(_) | EventKind::Access(_) => What::Touched,
    };
    Happening {
        what,
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
