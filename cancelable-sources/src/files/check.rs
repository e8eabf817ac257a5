//! The check of a file: its change since the scope was entered.

use super::events::Events;
use super::findings::Findings;
use super::snapshot::Snapshot;
use super::watch::Make;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The awaited change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Appears,
    Changes,
    Disappears,
}

/// The finding of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Nothing,
    /// The file is absent, perhaps because it is being replaced. The next check decides.
    Gone,
    Happened(&'static str),
}

/// The state of the checks of one file.
pub(super) struct FileCheck {
    file: PathBuf,
    want: Change,
    events: Events,
    findings: Arc<Findings>,
    /// The state at the first check, once that was made.
    first: Option<Option<Snapshot>>,
}

impl FileCheck {
    pub(super) fn new(
        file: PathBuf,
        want: Change,
        findings: Arc<Findings>,
        make: Option<Make>,
    ) -> Self {
        Self {
            events: Events::new(Arc::clone(&findings), make, want == Change::Changes),
            file,
            want,
            findings,
            first: None,
        }
    }

    /// Returns whether events report changes between two checks.
    pub(super) fn is_native(&self) -> bool {
        self.events.is_native()
    }

    /// Checks the file. `settled` is true if the last check has found the file absent, a while ago.
    pub(super) fn check(&mut self, settled: bool) -> io::Result<Checked> {
        // The watch is made before the file is read: see `Events::follow`.
        self.events.follow(&self.file);
        let seen = self.findings.take();
        if seen.broken {
            self.events.renew();
            self.events.follow(&self.file);
        }
        let now = Snapshot::take(&self.file)?;
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert(now);
        // Events report changes after the watch was made, and so after the entry of the scope.
        let (appeared, written) = (seen.appeared, seen.written);
        let gone = |words| match settled || is_first {
            true => Checked::Happened(words),
            false => Checked::Gone,
        };
        Ok(match (self.want, first, now) {
            (Change::Appears, _, Some(_)) if is_first => Checked::Happened("is there"),
            (Change::Appears, _, Some(_)) => Checked::Happened("appeared"),
            (Change::Appears, _, None) if appeared => Checked::Happened("appeared"),
            (Change::Disappears, _, None) if is_first => Checked::Happened("is not there"),
            (Change::Disappears, _, None) => gone("disappeared"),
            (Change::Changes, None, Some(_)) => Checked::Happened("appeared"),
            (Change::Changes, None, None) if appeared => Checked::Happened("appeared"),
            (Change::Changes, Some(_), None) => gone("disappeared"),
            (Change::Changes, Some(before), Some(now)) => {
                if before.identity != now.identity || appeared {
                    Checked::Happened("was replaced")
                } else if before != now || written {
                    Checked::Happened("was written to")
                } else {
                    Checked::Nothing
                }
            }
            _ => Checked::Nothing,
        })
    }
}
