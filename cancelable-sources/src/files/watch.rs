//! What watches folders and files, whichever system it is.

use super::happening::Happening;
use std::io;
use std::path::Path;

/// Tells of what happens at the places that it was given. Dropping it ends that.
pub(super) trait Watch: Send {
    /// Tells of what happens in `folder` from now on.
    fn folder(&mut self, folder: &Path) -> io::Result<()>;

    /// Tells of what happens to the content of `file` from now on, by whichever of its names, where the
    /// system can tell.
    fn file(&mut self, file: &Path) -> io::Result<()>;
}

/// How that is made.
pub(super) type Make = fn(Handler) -> io::Result<Box<dyn Watch>>;

/// What is told. It is called on a thread that serves others too, and must not block.
pub(super) type Handler = Box<dyn Fn(Happening) + Send + Sync>;
