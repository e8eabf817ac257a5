//! What the system's events have said since the last look, and who waits to hear of it.

use event_listener::{Event, EventListener};
use parking_lot::Mutex;

/// Written by the thread that the events come on, read by looks. Nothing of a user's runs under the
/// lock, and wakers run after it.
#[derive(Default)]
pub(super) struct Notice {
    seen: Mutex<Seen>,
    more: Event,
}

/// What an event has said of the file itself. A look alone would miss what is so for a moment only,
/// or what leaves length and time of the file as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It was made, or something was moved to its place.
    pub(super) appeared: bool,
    /// It was written to.
    pub(super) written: bool,
    /// The system has lost events or watches.
    pub(super) broken: bool,
}

impl Notice {
    /// Takes note and has the source look again.
    pub(super) fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock());
        self.more.notify(usize::MAX);
    }

    /// Completes with the next note after this.
    pub(super) fn listen(&self) -> EventListener {
        self.more.listen()
    }

    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.seen.lock())
    }
}
