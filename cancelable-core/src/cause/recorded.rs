//! An owned copy of a cause, for other processes.

use super::phrase::{HumanDuration, LocationShown, Parentheses};
use super::{OneLine, Reason};
use crate::sync::escape;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// An owned copy of a [`Cause`](super::Cause), which can be sent to another process and become a cause there.
///
/// [`Cause::record`](super::Cause::record) makes a record of a cause, and [`Cause::remote`](super::Cause::remote) makes a cause of a record. With the feature
/// `serde` a record can be serialised and deserialised. The serialised form of a [`Cause`](super::Cause) can be read as a record too;
/// such a record has no age.
///
/// The texts of a record are raw. [`Display`](fmt::Display) writes a phrase for people, with escapes.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Cause, Reason};
/// use std::time::{Duration, Instant};
///
/// let limit = Duration::from_secs(3);
/// let cause = Cause::new(Reason::TimedOut { limit });
/// let record = cause.record(Instant::now());
/// assert_eq!((record.kind(), record.limit()), ("timed_out", Some(limit)));
/// // timed out (limit 3 s, set at src/main.rs:5)
/// assert!(record.to_string().starts_with("timed out (limit 3 s, set at "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseRecord {
    pub(super) kind: Cow<'static, str>,
    pub(super) limit: Option<Duration>,
    pub(super) signal: Option<(i32, String)>,
    pub(super) message: Option<String>,
    pub(super) error: Option<String>,
    pub(super) location: String,
    pub(super) operation: Option<(u64, String)>,
    pub(super) node: Option<String>,
    pub(super) age: Option<Duration>,
}

impl CauseRecord {
    /// Creates a record with this reason and the caller's location, for a cancel that reaches this process in another
    /// form, such as a call of an operator's page.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::cause::CauseRecord;
    /// use cancelable_core::{Cause, Reason};
    ///
    /// let record = CauseRecord::new(&Reason::ShuttingDown).with_message("deploy of build 71");
    /// let cause = Cause::remote(record, "b7");
    /// assert_eq!(cause.message(), Some("deploy of build 71"));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(reason: &Reason) -> Self {
        Self {
            kind: Cow::Borrowed(reason.as_str()),
            limit: match reason {
                Reason::TimedOut { limit } => Some(*limit),
                _ => None,
            },
            signal: match reason {
                Reason::Signal { number, name } => Some((*number, (*name).to_owned())),
                _ => None,
            },
            message: None,
            error: None,
            location: Location::caller().to_string(),
            operation: None,
            node: None,
            age: None,
        }
    }

    /// Sets the message for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets the place at which the cancellation was decided. The form is `file:line` or `file:line:column`.
    #[must_use]
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = location.into();
        self
    }

    /// Sets the node, unless the record has a node.
    pub(super) fn on_node(mut self, node: String) -> Self {
        self.node.get_or_insert(node);
        self
    }

    /// Returns the [word](Reason::as_str) of the reason. A newer version of this crate may send an unknown word.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns whether time ran out: a limit or a deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.known_reason().is_some_and(Reason::is_timeout) || self.limit.is_some()
    }

    /// Returns the limit of a time limit that ran out.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Returns the number and the name of the signal that the process received.
    #[must_use]
    pub fn signal(&self) -> Option<(i32, &str)> {
        let (number, name) = self.signal.as_ref()?;
        Some((*number, name))
    }

    /// Returns the message, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the text of the error that led to the cancellation, if there is one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns the place in the source of the other program, as `file:line:column`.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the name of the operation that decided the cancellation, if there was one.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_ref().map(|(_, name)| &**name)
    }

    /// Returns the number of that operation. The number belongs to the other process.
    #[must_use]
    pub fn operation_id(&self) -> Option<u64> {
        self.operation.as_ref().map(|(id, _)| *id)
    }

    /// Returns the node at which the cancellation was decided; `None` for a record of a cause of this process.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Returns the time from the cancellation to the moment at which the record was made; `None` for a cause that had
    /// cancelled nothing.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns the length of the texts.
    #[cfg(feature = "scope")]
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            self.signal.as_ref().map(|(_, name)| &**name),
            self.message(),
            self.error(),
            self.operation(),
            self.node(),
        ];
        let texts: usize = texts.into_iter().flatten().map(str::len).sum();
        size_of::<Self>() + self.kind.len() + self.location.len() + texts
    }

    fn known_reason(&self) -> Option<&'static Reason> {
        let mut plain = Reason::PLAIN.iter();
        plain.find(|reason| reason.as_str() == self.kind)
    }

    fn write_kind(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.signal.as_ref();
        match (self.known_reason().and_then(Reason::phrase), signal) {
            (Some(phrase), _) => f.write_str(phrase),
            (None, Some((_, name))) => write!(f, "{} received", OneLine(name)),
            (None, None) if self.limit.is_some() => f.write_str("timed out"),
            (None, None) => match (&*self.kind, self.operation()) {
                ("scope_ended", Some(scope)) => write!(f, "scope {} has ended", OneLine(scope)),
                ("scope_ended", None) => f.write_str("its scope has ended"),
                ("timed_out", _) => f.write_str("timed out"),
                (kind, _) => write!(f, "{}", OneLine(kind)),
            },
        }
    }

    /// Writes the phrase with `message`, which may replace the message of the record.
    pub(super) fn write_phrase(
        &self,
        message: Option<&str>,
        shown: LocationShown,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        self.write_kind(f)?;
        for text in [message, self.error()].into_iter().flatten() {
            write!(f, ": {}", escape(text))?;
        }
        if let Some(node) = &self.node {
            write!(f, ", on node {}", OneLine(node))?;
        }
        let mut parentheses = Parentheses::default();
        if let Some(limit) = self.limit {
            parentheses.open(f)?;
            write!(f, "limit {}", HumanDuration(limit))?;
        }
        if shown == LocationShown::Yes && !self.location.is_empty() {
            parentheses.open(f)?;
            write!(f, "set at {}", escape(without_column(&self.location)))?;
            if let Some(operation) = self.operation() {
                write!(f, " by {}", OneLine(operation))?;
            }
        }
        parentheses.close(f)
    }
}

/// Writes the phrase of the cause, with the node if there is one.
impl fmt::Display for CauseRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_phrase(self.message(), LocationShown::Yes, f)
    }
}

/// Returns `file:line` for `file:line:column`, and any other text unchanged.
fn without_column(location: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match location.rsplit_once(':') {
        Some((rest, column))
            if is_number(column)
                && rest
                    .rsplit_once(':')
                    .is_some_and(|(_, line)| is_number(line)) =>
        {
            rest
        }
        _ => location,
    }
}
