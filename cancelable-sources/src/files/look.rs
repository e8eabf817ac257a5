//! A look at a file: its change since the scope was entered.

use super::events::Events;
use super::notice::Notice;
use super::snapshot::Snapshot;
use super::watch::Make;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The awaited change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Appears,
    Changes,
    Disappears,
}

/// The finding of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// The file is gone, or is being replaced: the next look decides.
    Gone,
    Happened(&'static str),
}

pub(super) struct Look {
    file: PathBuf,
    want: Want,
    events: Events,
    notice: Arc<Notice>,
    /// What was there at the first look, once that was made.
    first: Option<Option<Snapshot>>,
}

impl Look {
    pub(super) fn new(file: PathBuf, want: Want, notice: Arc<Notice>, make: Option<Make>) -> Self {
        Self {
            events: Events::new(Arc::clone(&notice), make, want == Want::Changes),
            file,
            want,
            notice,
            first: None,
        }
    }

    /// Whether changes are told of between two looks.
    pub(super) fn is_native(&self) -> bool {
        self.events.is_native()
    }

    /// Looks. `settled` says that the last look has found the file gone, a while ago.
    pub(super) fn look(&mut self, settled: bool) -> io::Result<Found> {
        // Registered first, looked at then: see `Events::follow`.
        self.events.follow(&self.file);
        let seen = self.notice.take();
        if seen.broken {
            self.events.renew();
            self.events.follow(&self.file);
        }
        let now = Snapshot::take(&self.file)?;
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert(now);
        // Events tell of what came after the watch was set up, which is after the scope was entered.
        let (appeared, written) = (seen.appeared, seen.written);
        let gone = |words| match settled || is_first {
            true => Found::Happened(words),
            false => Found::Gone,
        };
        Ok(match (self.want, first, now) {
            (Want::Appears, _, Some(_)) if is_first => Found::Happened("is there"),
            (Want::Appears, _, Some(_)) => Found::Happened("appeared"),
            (Want::Appears, _, None) if appeared => Found::Happened("appeared"),
            (Want::Disappears, _, None) if is_first => Found::Happened("is not there"),
            (Want::Disappears, _, None) => gone("disappeared"),
            (Want::Changes, None, Some(_)) => Found::Happened("appeared"),
            (Want::Changes, None, None) if appeared => Found::Happened("appeared"),
            (Want::Changes, Some(_), None) => gone("disappeared"),
            (Want::Changes, Some(before), Some(now)) => {
                if before.identity != now.identity || appeared {
                    Found::Happened("was replaced")
                } else if before != now || written {
                    Found::Happened("was written to")
                } else {
                    Found::Nothing
                }
            }
            _ => Found::Nothing,
        })
    }
}
