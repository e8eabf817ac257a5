//! One thing that happened in a registry.

use crate::cause::Cause;
use crate::operation::Operation;
use std::fmt;

/// One thing that happened in a registry, from [`Registry::events`](super::Registry::events).
///
/// It has a handle, which shows the operation as it is when it is looked at, and keeps what is known
/// of it for as long as the event is kept. What an [`Ended`](Self::Ended) shows changes no more.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An operation was opened and is pending.
    Opened(Operation),
    /// An operation was entered.
    Started(Operation),
    /// An operation has made progress. It is there once until it is read, however much there was.
    Progress(Operation),
    /// An operation was asked to stop, by itself or from above.
    CancelRequested(Operation, Cause),
    /// An operation has ended, in whichever way.
    Ended(Operation),
    /// So many events before the next one were lost, because they were not read in time.
    Missed(u64),
}

impl Event {
    /// Whom it happened to; `None` for [`Missed`](Self::Missed).
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Opened(operation)
            | Self::Started(operation)
            | Self::Progress(operation)
            | Self::CancelRequested(operation, _)
            | Self::Ended(operation) => Some(operation),
            Self::Missed(_) => None,
        }
    }

    /// What happened, as one lower-case word, for logs and labels.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Started(_) => "started",
            Self::Progress(_) => "progress",
            Self::CancelRequested(..) => "cancel_requested",
            Self::Ended(_) => "ended",
            Self::Missed(_) => "missed",
        }
    }
}

/// A sentence without its end, such as `#7 import has ended: completed`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{} {} ", operation.id(), operation.label())?;
        }
        match self {
            Self::Opened(_) => f.write_str("was opened"),
            Self::Started(_) => f.write_str("has started"),
            Self::Progress(operation) => {
                f.write_str("has made progress")?;
                match operation.progress_snapshot() {
                    Some(progress) => write!(f, ": {}", progress.position()),
                    None => Ok(()),
                }
            }
            Self::CancelRequested(_, cause) => write!(f, "was asked to stop: {cause}"),
            Self::Ended(operation) => write!(f, "has ended: {}", operation.status()),
            Self::Missed(count) => write!(f, "{count} events were missed"),
        }
    }
}
