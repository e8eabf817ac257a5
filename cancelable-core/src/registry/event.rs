//! The events of a registry.

use crate::cause::Cause;
use crate::operation::Operation;
use crate::record::meters;
use std::fmt;

/// A change of an operation in a registry, from [`Registry::events`](super::Registry::events).
///
/// The handle in an event shows the present state of the operation, not the state at the event, and keeps the
/// record of the operation alive. After [`Ended`](Self::Ended) the record does not change.
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::{Event, Registry};
///
/// fn log(event: &Event) {
///     match event {
///         Event::CancelRequested(operation, cause) => eprintln!("{}: {cause}", operation.name()),
///         Event::Ended(operation) => eprintln!("{}: {}", operation.name(), operation.status()),
///         Event::Missed(count) => eprintln!("{count} events were dropped"),
///         other => eprintln!("{other}"), // #7 import was opened
///     }
/// }
/// # let _ = log;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An operation was opened and is pending.
    Opened(Operation),
    /// An operation was entered.
    Started(Operation),
    /// An operation has made progress. All its changes that were not read yet are one event.
    Progress(Operation),
    /// An operation was cancelled, directly or through an ancestor.
    CancelRequested(Operation, Cause),
    /// An operation has ended, with any status.
    Ended(Operation),
    /// This number of events before the next event were dropped, because the reader was too slow.
    Missed(u64),
}

impl Event {
    /// Returns the operation; `None` for [`Missed`](Self::Missed).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let opened = events.try_next().ok_or("no event")?;
    /// assert_eq!(opened.operation().map(|operation| operation.id()), Some(import.id()));
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns the kind of event in lower case, such as `cancel_requested`, for logs and labels.
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
            Self::CancelRequested(_, cause) => write!(f, "is being cancelled: {cause}"),
            Self::Ended(operation) => write!(f, "has ended: {}", operation.status()),
            Self::Missed(count) => write!(f, "{count} events were missed"),
        }
    }
}
