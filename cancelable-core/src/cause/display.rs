//! The phrase of a cause, for people.

use super::phrase::{HumanDuration, LocationShown, Parentheses};
use super::{Cause, OperationLabel, Reason};
use crate::sync::{escape, escaped};
use std::fmt::{self, Display};

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_phrase(None, f)
    }
}

/// The phrase of a cause, without the location.
struct WithoutLocation<'a>(&'a Cause);

impl Display for WithoutLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_phrase_with(None, LocationShown::No, f)
    }
}

impl Cause {
    /// Returns the phrase without the source location, for the users of a program: `timed out (limit 3 s)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Cause;
    ///
    /// let cause = Cause::from("the operator closed the port");
    /// let phrase = cause.without_location().to_string();
    /// assert_eq!(phrase, "cancel requested: the operator closed the port");
    /// assert!(cause.to_string().starts_with(&phrase));
    /// ```
    pub fn without_location(&self) -> impl Display + '_ {
        WithoutLocation(self)
    }

    /// Writes the phrase, without the operation `about`, which the caller's sentence names.
    pub(crate) fn write_phrase(
        &self,
        about: Option<&OperationLabel>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        self.write_phrase_with(about, LocationShown::Yes, f)
    }

    /// Writes the phrase as [`write_phrase`](Self::write_phrase) does, with or without the location.
    pub(crate) fn write_phrase_with(
        &self,
        about: Option<&OperationLabel>,
        shown: LocationShown,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        if let Some(origin) = self.origin() {
            return origin.write_phrase(self.message(), shown, f);
        }
        match (self.reason().phrase(), self.reason()) {
            (Some(phrase), _) => f.write_str(phrase)?,
            (None, Reason::Signal { name, .. }) => write!(f, "{} received", escape(name))?,
            (None, _) => match self.operation() {
                Some(scope) => write!(f, "scope {scope} has ended")?,
                None => f.write_str("its scope has ended")?,
            },
        }
        if let Some(message) = self.message() {
            write!(f, ": {}", escape(message))?;
        }
        if let Some(error) = self.error() {
            write!(f, ": {}", escaped(error))?;
        }
        // The location and the operation of a request are those of the call. For any other reason they are those of
        // the set-up.
        let is_requested = matches!(
            self.reason(),
            Reason::Requested | Reason::GuardDropped | Reason::ShuttingDown
        );
        let is_end = *self.reason() == Reason::ScopeEnded;
        let operation = self
            .operation()
            // The phrase above names the scope that has ended.
            .filter(|_| !is_end)
            .filter(|operation| Some(*operation) != about);
        let mut parentheses = Parentheses::default();
        if let Reason::TimedOut { limit } = self.reason() {
            parentheses.open(f)?;
            write!(f, "limit {}", HumanDuration(*limit))?;
            if let Some(counted_from) = self.facts.counted_from {
                write!(f, " counted from {} on", HumanDuration(counted_from))?;
            }
        }
        match (shown, operation) {
            (LocationShown::Yes, operation) => {
                parentheses.open(f)?;
                let location = self.location();
                let set = match (is_requested, is_end) {
                    (true, _) => "",
                    (_, true) => "opened ",
                    _ => "set ",
                };
                write!(f, "{set}at {}:{}", location.file(), location.line())?;
                if let Some(operation) = operation {
                    write!(f, " by {operation}")?;
                }
            }
            // The scope for which a limit or a source was set belongs to the location, which is not shown.
            (LocationShown::No, Some(operation)) if is_requested => {
                parentheses.open(f)?;
                write!(f, "by {operation}")?;
            }
            (LocationShown::No, _) => {}
        }
        parentheses.close(f)
    }
}
