//! The signals that stop a job.

use cancelable_core::CancellationToken;
use cancelable_signals::{Escalation, SignalGuard, Step, WatchError};

/// The signals: the first asks, the second insists, and a third does what it does to any program.
#[derive(Debug)]
pub struct Signals {
    /// Cancelled by the first.
    pub ask: CancellationToken,
    /// Cancelled by the second.
    pub insist: CancellationToken,
    _guard: SignalGuard,
}

impl Signals {
    /// Watches SIGINT and, where there is one, SIGTERM, until it is dropped. The causes name the
    /// caller.
    ///
    /// # Errors
    ///
    /// The system refuses.
    #[track_caller]
    pub fn watch() -> Result<Self, WatchError> {
        let (ask, insist) = (CancellationToken::new(), CancellationToken::new());
        let guard = Escalation::new(&ask)
            .second(Step::cancel(&insist))
            .start()?;
        Ok(Self {
            ask,
            insist,
            _guard: guard,
        })
    }
}
