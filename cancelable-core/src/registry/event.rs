//! One event of a registry.

use crate::cause::Cause;
use crate::operation::Operation;
use crate::record::meters;
use std::fmt;

/// One event of a registry, from [`Registry::events`](super::Registry::events).
///
/// The handle in an event shows the operation as it is when the handle is read, and keeps the record of
/// the operation alive. The record in an [`Ended`](Self::Ended) does not change any more.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An operation was opened and is pending.
    Opened(Operation),
    /// An operation was entered.
    Started(Operation),
    /// An operation has made progress. Several changes that were not read yet are one event.
    Progress(Operation),
    /// Cancellation of an operation was requested, of itself or of an operation around it.
    CancelRequested(Operation, Cause),
    /// An operation has ended, in whichever way.
    Ended(Operation),
    /// This many events before the next one were dropped, because they were not read in time.
    Missed(u64),
}

impl Event {
    /// The operation; `None` for [`Missed`](Self::Missed).
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

    /// Returns the kind of event as one lower-case word, for logs and labels.
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

/// A sentence without its full stop, such as `#7 import has ended: completed`.
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
                match meters::made(operation.record()) {
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
