//! The trait for a watch of folders and files, the same for every operating system.

use super::file_event::FileEvent;
use std::io;
use std::path::Path;

/// A watch that reports events of the given folders and files. The drop ends it.
pub(super) trait Watch: Send {
    /// Reports the events in `folder` from now on.
    fn folder(&mut self, folder: &Path) -> io::Result<()>;

    /// Reports writes to `file` from now on, through any of its names, if the system can.
    fn file(&mut self, file: &Path) -> io::Result<()>;
}

/// The function that makes a watch.
pub(super) type Make = fn(Handler) -> io::Result<Box<dyn Watch>>;

/// The function that gets the events. The function is called on a thread that serves other files too, and must
/// not block.
pub(super) type Handler = Box<dyn Fn(FileEvent) + Send + Sync>;
