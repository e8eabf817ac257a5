//! The system's events of the folders around a file, where there are any to be had.

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

/// The events of a file, or that it has to do without.
pub(super) struct Events {
    notice: Arc<Notice>,
    state: State,
    /// Whether the content of the file matters, and not only whether it is there.
    content: bool,
}

enum State {
    /// Nothing is watched yet, or what was is to be watched anew.
    Fresh(Make),
    Watching {
        make: Make,
        anchors: Anchors,
        /// Held for its drop, which ends the watch.
        _watch: Box<dyn Watch>,
    },
    /// There are no events: the interval is all there is.
    Polling,
}

/// How often what is to be watched may change while it is being watched, before the rest is left to
/// the next look. Each turn is a folder that came or went in that moment.
const TURNS: usize = 16;

impl Events {
    /// `make` is none where no events are wanted.
    pub(super) fn new(notice: Arc<Notice>, make: Option<Make>, content: bool) -> Self {
        let state = make.map_or(State::Polling, State::Fresh);
        Self {
            notice,
            state,
            content,
        }
    }

    /// Whether changes are told of between two looks.
    pub(super) fn is_native(&self) -> bool {
        matches!(self.state, State::Watching { .. })
    }

    /// Makes the watches again at the next [`follow`](Self::follow).
    pub(super) fn renew(&mut self) {
        if let State::Watching { make, .. } = self.state {
            self.state = State::Fresh(make);
        }
    }

    /// Has the folders watched that tell of the file as things stand. To be called before each
    /// look: what changes after it is told of, and what changed before it the look finds.
    pub(super) fn follow(&mut self, file: &Path) {
        for _ in 0..TURNS {
            let wanted = Anchors::of(file, self.content);
            let make = match &self.state {
                State::Polling => return,
                State::Watching { anchors, .. } if *anchors == wanted => return,
                State::Watching { make, .. } | State::Fresh(make) => *make,
            };
            // A watch is never used for other folders: one that was moved away is watched on
            // under its old name, and its events would be taken for those of the new one. The old
            // watch goes after the new one is there; what both tell is told twice, and no harm.
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
                // The folder above is a help and no more: it may not be ours to read.
                Err(_) if at > 0 => {}
                Err(error) => return Err(Why::Refused(error)),
            }
        }
        if anchors.itself.is_some() {
            match watch.file(&anchors.interest.file) {
                Err(error) if is_absence(&error) => return Err(Why::NotThere),
                // As the folder above: its own folder tells of most.
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

/// Whether the folder or the file has gone since it was looked for, or is something else by now.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Why there are no events.
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
