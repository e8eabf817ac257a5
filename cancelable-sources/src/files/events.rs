//! The system's events of the folders around a file, if the system has any.

use super::anchors::Anchors;
use super::findings::Findings;
use super::mount;
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
    findings: Arc<Findings>,
    state: State,
    /// True if the content of the file matters, and not only its existence.
    content: bool,
}

enum State {
    /// Nothing is watched yet, or the watches are to be made again.
    Fresh(Make),
    Watching {
        make: Make,
        anchors: Anchors,
        /// The watch, which ends with its drop.
        _watch: Box<dyn Watch>,
    },
    /// There are no events, only the interval.
    Polling,
}

/// The number of attempts to make the watches before the next check makes the rest. Each attempt fails because a folder
/// has appeared or disappeared meanwhile.
const TURNS: usize = 16;

impl Events {
    /// Without `make` there are no events.
    pub(super) fn new(findings: Arc<Findings>, make: Option<Make>, content: bool) -> Self {
        let state = make.map_or(State::Polling, State::Fresh);
        Self {
            findings,
            state,
            content,
        }
    }

    /// Returns whether events report changes between two checks.
    pub(super) fn is_native(&self) -> bool {
        matches!(self.state, State::Watching { .. })
    }

    /// Makes the watches again at the next [`follow`](Self::follow).
    pub(super) fn renew(&mut self) {
        if let State::Watching { make, .. } = self.state {
            self.state = State::Fresh(make);
        }
    }

    /// Watches the folders that the present state of the file system requires. Called before each check: the check
    /// finds earlier changes, and events report later changes.
    pub(super) fn follow(&mut self, file: &Path) {
        for _ in 0..TURNS {
            let wanted = Anchors::of(file, self.content);
            let make = match &self.state {
                State::Polling => return,
                State::Watching { anchors, .. } if *anchors == wanted => return,
                State::Watching { make, .. } | State::Fresh(make) => *make,
            };
            // A watch is never used again for other folders: a moved folder stays watched under its old
            // name, and its events could not be distinguished from those of the new folder. The old watch is
            // dropped after the new watch is made. Meanwhile events may come twice, which is harmless.
            self.state = match self.watch(make, wanted) {
                Ok(state) => state,
                Err(Problem::NotThere) => continue,
                Err(why) => {
                    why.log(file);
                    State::Polling
                }
            };
        }
    }

    fn watch(&self, make: Make, anchors: Anchors) -> Result<State, Problem> {
        if anchors
            .folders
            .iter()
            .any(|(folder, _)| mount::is_silent(folder))
        {
            return Err(Problem::Silent);
        }
        let findings = Arc::clone(&self.findings);
        let filter = anchors.filter.clone();
        let handler: Handler = Box::new(move |event| {
            if let Some(found) = filter.apply(&event) {
                findings.record(|seen| {
                    seen.appeared |= found.appeared;
                    seen.written |= found.written;
                    seen.broken |= found.broken;
                });
            }
        });
        let mut watch = make(handler).map_err(Problem::Refused)?;
        for (at, (folder, _)) in anchors.folders.iter().enumerate() {
            match watch.folder(folder) {
                Ok(()) => {}
                Err(error) if is_absence(&error) => return Err(Problem::NotThere),
                // The parent folder is optional: it may not be readable.
                Err(_) if at > 0 => {}
                Err(error) => return Err(Problem::Refused(error)),
            }
        }
        if anchors.itself.is_some() {
            match watch.file(&anchors.filter.file) {
                Err(error) if is_absence(&error) => return Err(Problem::NotThere),
                // Also optional: the folder reports most changes.
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

/// Returns whether the folder or the file has disappeared meanwhile, or was replaced by another kind of file.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The reason why there are no events.
enum Problem {
    NotThere,
    Silent,
    Refused(io::Error),
}

impl Problem {
    fn log(&self, file: &Path) {
        let file = escaped(&file.display()).to_string();
        isolate("a logger", || match self {
            Self::Refused(error) => log::warn!(
                target: "cancelable", file = file.as_str(), error:% = escaped(error);
                "{file} is checked in an interval, because the system does not watch it: {}", escaped(error)
            ),
            Self::Silent | Self::NotThere => log::debug!(
                target: "cancelable", file = file.as_str();
                "{file} is checked in an interval, because its file system reports no changes"
            ),
        });
    }
}
