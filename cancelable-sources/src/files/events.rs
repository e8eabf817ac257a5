//! The system's events of the folders around a file, if the system has any.

use super::anchors::Anchors;
use super::mount;
use super::notice::Notice;
use super::watch::{Handler, Make, Watch};
use cancelable_core::cause::escaped;
use cancelable_core::token::isolate;
use std::io;
use std::path::Path;
use std::sync::Arc;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use super::inotify::native;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use super::notified::native;

/// The events of a file, or the fact that there are none.
pub(super) struct Events {
    notice: Arc<Notice>,
    state: State,
    /// Whether the content of the file matters, and not only its existence.
    content: bool,
}

enum State {
    /// Nothing is watched yet, or the watches are to be made again.
    Fresh(Make),
    Watching {
        make: Make,
        anchors: Anchors,
        /// Kept for its drop, which ends the watch.
        _watch: Box<dyn Watch>,
    },
    /// There are no events, only the interval.
    Polling,
}

/// How often the folders to watch may change while the watches are made, before the next look makes the rest. Each
/// turn is a folder that appeared or disappeared meanwhile.
const TURNS: usize = 16;

impl Events {
    /// `make` is none if no events are wanted.
    pub(super) fn new(notice: Arc<Notice>, make: Option<Make>, content: bool) -> Self {
        let state = make.map_or(State::Polling, State::Fresh);
        Self {
            notice,
            state,
            content,
        }
    }

    /// Whether events report changes between two looks.
    pub(super) fn is_native(&self) -> bool {
        matches!(self.state, State::Watching { .. })
    }

    /// Makes the watches again at the next [`follow`](Self::follow).
    pub(super) fn renew(&mut self) {
        if let State::Watching { make, .. } = self.state {
            self.state = State::Fresh(make);
        }
    }

    /// Watches the folders that the present state of the file system requires. To be called before each look:
    /// the look finds earlier changes, and events report later ones.
    pub(super) fn follow(&mut self, file: &Path) {
        for _ in 0..TURNS {
            let wanted = Anchors::of(file, self.content);
            let make = match &self.state {
                State::Polling => return,
                State::Watching { anchors, .. } if *anchors == wanted => return,
                State::Watching { make, .. } | State::Fresh(make) => *make,
            };
            // A watch is never used again for other folders: a moved folder stays watched under its old
            // name, and its events would look like those of the new folder. The old watch is dropped after
            // the new one is made. Meanwhile events may come twice, which is harmless.
            self.state = match self.watch(make, wanted) {
                Ok(state) => state,
                Err(Why::NotThere) => continue,
                Err(why) => {
                    why.log(file);
                    State::Polling
                }
            };
        }
    }

    fn watch(&self, make: Make, anchors: Anchors) -> Result<State, Why> {
        if anchors
            .folders
            .iter()
            .any(|(folder, _)| mount::is_silent(folder))
        {
            return Err(Why::Silent);
        }
        let notice = Arc::clone(&self.notice);
        let interest = anchors.interest.clone();
        let handler: Handler = Box::new(move |happening| {
            if let Some(found) = interest.judge(&happening) {
                notice.note(|seen| {
                    seen.appeared |= found.appeared;
                    seen.written |= found.written;
                    seen.broken |= found.broken;
                });
            }
        });
        let mut watch = make(handler).map_err(Why::Refused)?;
        for (at, (folder, _)) in anchors.folders.iter().enumerate() {
            match watch.folder(folder) {
                Ok(()) => {}
                Err(error) if is_absence(&error) => return Err(Why::NotThere),
                // The parent folder is optional: it may not be readable.
                Err(_) if at > 0 => {}
                Err(error) => return Err(Why::Refused(error)),
            }
        }
        if anchors.itself.is_some() {
            match watch.file(&anchors.interest.file) {
                Err(error) if is_absence(&error) => return Err(Why::NotThere),
                // Optional too: the folder reports most changes.
                Ok(()) | Err(_) => {}
            }
        }
        Ok(State::Watching {
            make,
            anchors,
            _watch: watch,
        })
    }
}

/// Whether the folder or the file has disappeared meanwhile, or was replaced by another kind of file.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The reason why there are no events.
enum Why {
    NotThere,
    Silent,
    Refused(io::Error),
}

impl Why {
    fn log(&self, file: &Path) {
        let file = escaped(&file.display()).to_string();
        isolate("a logger", || match self {
            Self::Refused(error) => log::warn!(
                target: "cancelable", file = file.as_str(), error:% = escaped(error);
                "{file} is looked at in an interval, since the system does not watch it: {}", escaped(error)
            ),
            Self::Silent | Self::NotThere => log::debug!(
                target: "cancelable", file = file.as_str();
                "{file} is looked at in an interval, since its file system tells of no changes"
            ),
        });
    }
}
